-- how many plans each inspector is in charge of
-- grain:  one row per inspector
-- reads:  sample.assignment_in_force
-- writes: nothing
select firm_code, inspector_code, count(*) as plan_count
from sample.assignment_in_force
where year = :year and phase = :phase
group by firm_code, inspector_code
order by inspector_code, firm_code
