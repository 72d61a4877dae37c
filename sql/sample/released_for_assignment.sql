-- the released plans that nobody has been given yet, as the assignment sees them
-- grain:  one row per released plan without an inspector
-- reads:  sample.released_plan, sample.assignment, frame.eligible_plan
-- writes: nothing
select
    released.plan_id, frame.province_code, frame.county_code, frame.agency_code, frame.plan_kind, frame.latitude,
    frame.longitude
from sample.released_plan as released
inner join frame.eligible_plan as frame
    on frame.year = released.year and frame.phase = released.phase and frame.plan_id = released.plan_id
where
    released.year = :year and released.phase = :phase
    and not exists (
        select 1 from sample.assignment as given
        where
            given.year = released.year and given.phase = released.phase and given.plan_id = released.plan_id
            and given.level = 'county'
    )
order by released.plan_id
