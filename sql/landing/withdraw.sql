-- versions that were refused, where the bytes of the last accepted one are there again
-- grain:  none
-- reads:  landing.delivery, staging.delivery_outcome
-- writes: landing.delivery (is_withdrawn)
with version as (
    select delivery.delivery_id, delivery.version, delivery.sha256, delivery.is_correction, outcome.status
    from landing.delivery as delivery
    left join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
    where
        delivery.source_code = :source_code and delivery.year = :year and delivery.phase = :phase
        and not delivery.is_withdrawn
),

accepted as (
    select
        max(version.version) as newest,
        max(version.version) filter (where not version.is_correction) as newest_whole
    from version where version.status = 'accepted'
)

update landing.delivery as delivery set is_withdrawn = true
from accepted
inner join version as again on again.version = accepted.newest_whole and again.sha256 = :sha256
inner join version as later on later.version > accepted.newest
where delivery.delivery_id = later.delivery_id
