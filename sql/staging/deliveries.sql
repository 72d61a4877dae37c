-- every delivery of a source in a period, and what became of it
-- grain:  one row per delivery
-- reads:  landing.delivery, staging.delivery_outcome
-- writes: nothing
select
    delivery.delivery_id, delivery.received_on, delivery.sha256, delivery.version, delivery.is_correction,
    delivery.is_withdrawn, outcome.status
from landing.delivery as delivery
left join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
where delivery.year = :year and delivery.phase = :phase and delivery.source_code = :source_code
order by delivery.version
