-- pg_temp.candidate
-- grain:  one row per accepted plan of the deliveries in force, with what speaks against it
-- reads:  staging.delivery_in_force, staging.loan_plan, reference.jalali_month
-- writes: a temporary table, dropped with the transaction
create temp table candidate on commit drop as
with
delivery as (
    select delivery_id
    from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity')
    where source_code <> all(cast(:without as text[]))
),
bounds as (
    select min(starts_on) as first_on, max(starts_on + day_count) as after_on
    from reference.jalali_month
    where year = :year
),
plan as (
    select
        loan_plan.*,
        loan_plan.paid_on >= bounds.first_on and loan_plan.paid_on < bounds.after_on as is_paid_in_year,
        loan_plan.loan_paid_rial >= cast(:minimum_loan_paid_rial as bigint) as is_large_enough
    from staging.loan_plan as loan_plan
    inner join delivery on delivery.delivery_id = loan_plan.delivery_id
    cross join bounds
    where loan_plan.year = :year and loan_plan.phase = :phase
)
select
    plan.*,
    -- One person, one place, one sum under two agencies is one plan: the earlier approval keeps it.
    first_value(plan_id) over same_plan as kept_plan_id
from plan
window same_plan as (
    partition by national_id, county_code, loan_paid_rial, is_paid_in_year and is_large_enough
    order by approved_on, plan_id
)
