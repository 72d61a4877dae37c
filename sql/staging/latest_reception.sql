-- the day the last accepted delivery of a period came in
-- grain:  one row
-- reads:  staging.accepted_delivery
-- writes: nothing
select max(received_on) as received_on
from staging.accepted_delivery
where year = :year and phase = :phase
