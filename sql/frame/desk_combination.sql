-- every combination of what the desk found
-- grain:  one row per combination
-- reads:  desk_fact
-- writes: nothing
select distinct combination, has_insurance, sms_outcome, phone_outcome
from desk_fact
order by combination
