-- what ties inspectors and firms to the drawn plans; a person's national ID is matched here and goes no further
-- grain:  one row per drawn plan, subject and kind of tie
-- reads:  staging.delivery_in_force, staging.tie, sample.drawn_plan, frame.eligible_plan, staging.loan_plan
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'tie', 'infinity')
),
tie as (
    select staging.tie.* from staging.tie
    inner join delivery on delivery.delivery_id = staging.tie.delivery_id
    where staging.tie.year = :year and staging.tie.phase = :phase
),
drawn as (
    select frame.plan_id, frame.agency_code, frame.advising_firm_code, plan.national_id
    from sample.drawn_plan as drawn
    inner join frame.eligible_plan as frame
        on frame.year = drawn.year and frame.phase = drawn.phase and frame.plan_id = drawn.plan_id
    inner join staging.loan_plan as plan
        on plan.year = frame.year and plan.phase = frame.phase
        and plan.delivery_id = frame.delivery_id and plan.plan_id = frame.plan_id
    where drawn.year = :year and drawn.phase = :phase
)
select drawn.plan_id, drawn.advising_firm_code as subject_code, 'advised' as tie_kind
from drawn
where drawn.advising_firm_code is not null
union
select drawn.plan_id, tie.subject_code, tie.tie_kind
from tie inner join drawn on tie.object_kind = 'plan' and tie.object_code = drawn.plan_id
union
select drawn.plan_id, tie.subject_code, tie.tie_kind
from tie inner join drawn on tie.object_kind = 'person' and tie.object_code = drawn.national_id
union
select drawn.plan_id, tie.subject_code, tie.tie_kind
from tie inner join drawn on tie.object_kind = 'agency' and tie.object_code = drawn.agency_code
order by plan_id, subject_code, tie_kind
