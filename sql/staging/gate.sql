-- measures of one delivery after conforming
-- grain:  one row
-- reads:  landing.delivery, staging.delivery_outcome
-- writes: nothing
select
    delivery.byte_count, outcome.row_count, outcome.rejected_row_count,
    outcome.rejected_row_count::double precision / greatest(outcome.row_count, 1) as rejected_share
from landing.delivery as delivery
inner join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
where delivery.delivery_id = :delivery_id
