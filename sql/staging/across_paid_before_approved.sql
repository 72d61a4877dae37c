-- staging.contradiction
-- grain:  one row per accepted plan that was paid before it was approved
-- reads:  staging.delivery_in_force, staging.loan_plan
-- writes: staging.contradiction (replace per year, phase and rule)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'paid_before_approved' as rule_code,
    plan.delivery_id, plan.row_number, plan.plan_id, plan.plan_id as subject_id,
    plan.paid_on || ' < ' || plan.approved_on as what
from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as delivery
inner join staging.loan_plan as plan
    on plan.year = :year and plan.phase = :phase and plan.delivery_id = delivery.delivery_id
where plan.paid_on < plan.approved_on
