-- size of the frame by agency, a covariate of the model of counties
-- grain:  one row per county and agency
-- reads:  frame.eligible_plan
-- writes: nothing
select
    county_code, province_code, agency_code,
    count(*) as eligible_plan_count, sum(loan_paid_rial)::bigint as loan_paid_rial
from frame.eligible_plan
where year = :year and phase = :phase
group by county_code, province_code, agency_code
order by county_code, agency_code
