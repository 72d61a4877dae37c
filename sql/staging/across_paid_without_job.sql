-- staging.contradiction
-- grain:  one row per accepted paid plan for which no job was committed and none registered, by any record
-- reads:  staging.delivery_in_force, staging.loan_plan, staging.registered_job, reference.source
-- writes: staging.contradiction (replace per year, phase and rule)
with
-- Materialized: few plans come without a job, and only those look for one.
plan as materialized (
    select loan_plan.delivery_id, loan_plan.row_number, loan_plan.plan_id, loan_plan.loan_paid_rial
    from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as delivery
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = delivery.delivery_id
    where loan_plan.loan_paid_rial > 0 and loan_plan.job_commitment_count = 0 and loan_plan.registered_job_count = 0
),
job as (
    select source.agency_code || '-' || registered_job.plan_number as plan_id
    from staging.delivery_in_force(:year, :phase, 'registered_job', cast(:cutoff as date)) as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.registered_job as registered_job
        on registered_job.year = :year and registered_job.phase = :phase
        and registered_job.delivery_id = delivery.delivery_id
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'paid_without_job' as rule_code,
    plan.delivery_id, plan.row_number, plan.plan_id, plan.plan_id as subject_id,
    plan.loan_paid_rial || ' / 0' as what
from plan
where not exists (select 1 from job where job.plan_id = plan.plan_id)
