-- accepted deliveries of a period that are made up
-- grain:  one row
-- reads:  staging.accepted_delivery, reference.source
-- writes: nothing
select count(*) as delivery_count
from staging.accepted_delivery as delivery
inner join reference.source as source on source.source_code = delivery.source_code
where delivery.year = :year and delivery.phase = :phase and source.is_rehearsal
