-- the frame as the draw sees it
-- grain:  one row per eligible plan
-- reads:  frame.eligible_plan
-- writes: nothing
select plan_id, province_code, county_code, agency_code, loan_paid_rial, advising_firm_code
from frame.eligible_plan
where year = :year and phase = :phase
order by plan_id
