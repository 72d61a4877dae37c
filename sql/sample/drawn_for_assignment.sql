-- the drawn plans as the assignment sees them
-- grain:  one row per drawn plan
-- reads:  sample.drawn_plan, frame.eligible_plan
-- writes: nothing
select drawn.plan_id, drawn.province_code, drawn.county_code, drawn.random_number, frame.advising_firm_code
from sample.drawn_plan as drawn
inner join frame.eligible_plan as frame
    on frame.year = drawn.year and frame.phase = drawn.phase and frame.plan_id = drawn.plan_id
where drawn.year = :year and drawn.phase = :phase
order by drawn.plan_id
