-- accepted deliveries that came in between two cut-offs
-- grain:  one row
-- reads:  staging.accepted_delivery
-- writes: nothing
select count(*) as delivery_count
from staging.accepted_delivery
where year = :year and phase = :phase and received_on > :since and received_on <= :cutoff
