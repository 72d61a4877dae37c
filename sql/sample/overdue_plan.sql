-- the plans that nobody in charge has tried to visit in time, as the assignment sees them
-- grain:  one row per plan of a level
-- reads:  sample.assignment_in_force, frame.eligible_plan, staging.delivery_in_force, staging.visit
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:today as date))
),
visit as (
    select staging.visit.plan_id, staging.visit.firm_code, staging.visit.inspector_code
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    where staging.visit.year = :year and staging.visit.phase = :phase
)
select
    charge.plan_id, frame.province_code, frame.county_code, frame.agency_code, frame.plan_kind, frame.latitude,
    frame.longitude, charge.firm_code as from_firm_code, charge.inspector_code as from_inspector_code
from sample.assignment_in_force as charge
inner join frame.eligible_plan as frame
    on frame.year = charge.year and frame.phase = charge.phase and frame.plan_id = charge.plan_id
where
    charge.year = :year and charge.phase = :phase and charge.level = :level
    and charge.assigned_on < cast(:today as date) - cast(:overdue_days as integer)
    and charge.spell_number < cast(:most_reassignments as integer)
    -- Any of the firm may have tried; a firm's plan is its own affair.
    and not exists (
        select 1 from visit
        where visit.plan_id = charge.plan_id
        and (visit.inspector_code = charge.inspector_code or (charge.level = 'county' and visit.firm_code = charge.firm_code))
    )
order by charge.plan_id
