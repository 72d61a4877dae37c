-- how much of what agencies declare stands in the frame
-- grain:  one row per agency
-- reads:  frame.coverage
-- writes: nothing
select
    agency_code, declared_plan_count, delivered_plan_count, accepted_plan_count, eligible_plan_count,
    accepted_plan_count - eligible_plan_count as excluded_plan_count, plan_share
from frame.coverage
where year = :year and phase = :phase and county_code = 'all'
order by agency_code
