-- staging.contradiction
-- grain:  one row per accepted plan that was paid more than was approved, by the agency's or the payments' record
-- reads:  staging.delivery_in_force, staging.loan_plan, staging.payment, reference.source
-- writes: staging.contradiction (replace per year, phase and rule)
with
plan as (
    select loan_plan.*
    from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as delivery
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = delivery.delivery_id
),
paid as (
    select
        source.agency_code || '-' || payment.plan_number as plan_id, sum(payment.amount_rial) as amount_rial
    from staging.delivery_in_force(:year, :phase, 'payment', cast(:cutoff as date)) as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.payment as payment
        on payment.year = :year and payment.phase = :phase and payment.delivery_id = delivery.delivery_id
    group by source.agency_code, payment.plan_number
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'paid_above_approved' as rule_code,
    plan.delivery_id, plan.row_number, plan.plan_id, plan.plan_id as subject_id,
    greatest(plan.loan_paid_rial, paid.amount_rial) || ' > ' || plan.loan_approved_rial as what
from plan
left join paid on paid.plan_id = plan.plan_id
where greatest(plan.loan_paid_rial, paid.amount_rial) > plan.loan_approved_rial
