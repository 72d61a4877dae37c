-- the drawn plans, and those released since, as the assignment sees them: nothing of what they claim, and nothing of a verdict
-- grain:  one row per plan
-- reads:  sample.listed_plan, frame.eligible_plan
-- writes: nothing
select
    drawn.plan_id, drawn.province_code, drawn.county_code, frame.agency_code, frame.plan_kind, frame.latitude,
    frame.longitude
from sample.listed_plan as drawn
inner join frame.eligible_plan as frame
    on frame.year = drawn.year and frame.phase = drawn.phase and frame.plan_id = drawn.plan_id
where drawn.year = :year and drawn.phase = :phase
order by drawn.plan_id
