-- staging.contradiction
-- grain:  one row per accepted plan of a person who has plans under two agencies or more
-- reads:  staging.delivery_in_force, staging.loan_plan
-- writes: staging.contradiction (replace per year, phase and rule)
with
plan as (
    select loan_plan.delivery_id, loan_plan.row_number, loan_plan.plan_id, loan_plan.agency_code, loan_plan.national_id
    from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as delivery
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = delivery.delivery_id
),
person as (
    select national_id, string_agg(distinct agency_code, ', ' order by agency_code) as agencies
    from plan
    where national_id in (
        select national_id from plan
        where national_id is not null
        group by national_id having min(agency_code) <> max(agency_code)
    )
    group by national_id
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'person_agencies' as rule_code,
    plan.delivery_id, plan.row_number, plan.plan_id, plan.national_id as subject_id, person.agencies as what
from plan
inner join person on person.national_id = plan.national_id
