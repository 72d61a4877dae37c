-- the plans to inspect again with the probability they were drawn with
-- grain:  one row per plan and level
-- reads:  sample.reinspected_plan
-- writes: nothing
select level, plan_id, inclusion_probability
from sample.reinspected_plan
where year = :year and phase = :phase
order by level, plan_id
