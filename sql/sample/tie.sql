-- what ties inspectors and firms to the drawn plans; a person's national ID is matched here and goes no further
-- grain:  one row per drawn plan, subject and kind of tie
-- reads:  staging.delivery_in_force, staging.tie, sample.listed_plan, frame.eligible_plan, frame.excluded_plan, staging.loan_plan
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
loan_delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity')
),
-- A plan that two agencies registered is tied by either registration, under the code of the one that was kept.
drawn as (
    select
        frame.plan_id, drawn.plan_id as registered_plan_id, frame.agency_code, frame.advising_firm_code,
        frame.national_id
    from sample.listed_plan as drawn
    inner join frame.eligible_plan as frame
        on frame.year = drawn.year and frame.phase = drawn.phase and frame.plan_id = drawn.plan_id
    where drawn.year = :year and drawn.phase = :phase
    union all
    select
        drawn.plan_id, again.plan_id as registered_plan_id, again.agency_code, again.advising_firm_code,
        again.national_id
    from sample.listed_plan as drawn
    inner join frame.excluded_plan as excluded
        on excluded.year = drawn.year and excluded.phase = drawn.phase and excluded.kept_plan_id = drawn.plan_id
    inner join staging.loan_plan as again
        on again.year = excluded.year and again.phase = excluded.phase and again.plan_id = excluded.plan_id
    inner join loan_delivery on loan_delivery.delivery_id = again.delivery_id
    where drawn.year = :year and drawn.phase = :phase
)
select drawn.plan_id, drawn.advising_firm_code as subject_code, 'advised' as tie_kind
from drawn
where drawn.advising_firm_code is not null
union
select drawn.plan_id, tie.subject_code, tie.tie_kind
from tie inner join drawn on tie.object_kind = 'plan' and tie.object_code = drawn.registered_plan_id
union
select drawn.plan_id, tie.subject_code, tie.tie_kind
from tie inner join drawn on tie.object_kind = 'person' and tie.object_code = drawn.national_id
union
select drawn.plan_id, tie.subject_code, tie.tie_kind
from tie inner join drawn on tie.object_kind = 'agency' and tie.object_code = drawn.agency_code
order by plan_id, subject_code, tie_kind
