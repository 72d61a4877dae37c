-- staging.contradiction
-- grain:  one row per accepted payment whose plan the same agency did not deliver
-- reads:  staging.delivery_in_force, staging.payment, staging.loan_plan, reference.source
-- writes: staging.contradiction (replace per year, phase and rule)
with
-- An agency whose plans have not come yet has no plan to miss.
agency as (
    select source.agency_code, plan_delivery.delivery_id
    from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as plan_delivery
    inner join reference.source as source on source.source_code = plan_delivery.source_code
),
plan as (
    select loan_plan.plan_id
    from agency
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = agency.delivery_id
),
payment as (
    select
        payment.delivery_id, payment.row_number,
        source.agency_code || '-' || payment.plan_number as plan_id
    from staging.delivery_in_force(:year, :phase, 'payment', cast(:cutoff as date)) as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.payment as payment
        on payment.year = :year and payment.phase = :phase
        and payment.delivery_id = delivery.delivery_id
    where source.agency_code in (select agency.agency_code from agency)
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'payment_without_plan' as rule_code,
    payment.delivery_id, payment.row_number, payment.plan_id,
    payment.delivery_id || '#' || payment.row_number as subject_id, payment.plan_id as what
from payment
where not exists (select 1 from plan where plan.plan_id = payment.plan_id)
