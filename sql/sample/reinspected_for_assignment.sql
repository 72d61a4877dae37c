-- the plans to inspect again at a level, as the assignment sees them: nothing of the first verdict
-- grain:  one row per plan to inspect again
-- reads:  sample.reinspected_plan, frame.eligible_plan
-- writes: nothing
select
    again.plan_id, frame.province_code, frame.county_code, frame.agency_code, frame.plan_kind, frame.latitude,
    frame.longitude
from sample.reinspected_plan as again
inner join frame.eligible_plan as frame
    on frame.year = again.year and frame.phase = again.phase and frame.plan_id = again.plan_id
where again.year = :year and again.phase = :phase and again.level = :level
order by again.plan_id
