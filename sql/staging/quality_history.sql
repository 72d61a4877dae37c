-- the quality of an agency's deliveries, period by period
-- grain:  one row per period, source and dimension: of the newest version, accepted or not
-- reads:  landing.delivery, reference.source, staging.delivery_outcome, staging.delivery_quality
-- writes: nothing
with
newest as (
    select distinct on (delivery.source_code, delivery.year, delivery.phase)
        delivery.delivery_id, delivery.source_code, delivery.form, delivery.version, delivery.received_on
    from landing.delivery as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    where source.agency_code = :agency_code
    order by delivery.source_code asc, delivery.year asc, delivery.phase asc, delivery.version desc
)
select
    quality.year, quality.phase, quality.source_code, newest.form, newest.delivery_id, newest.version,
    newest.received_on, outcome.status, quality.dimension, quality.numerator, quality.denominator, quality.share
from newest
inner join staging.delivery_quality as quality on quality.delivery_id = newest.delivery_id
inner join staging.delivery_outcome as outcome on outcome.delivery_id = newest.delivery_id
order by quality.source_code, quality.year, quality.phase, quality.dimension
