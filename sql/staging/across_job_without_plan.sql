-- staging.contradiction
-- grain:  one row per accepted registered job whose plan the same agency did not deliver
-- reads:  staging.delivery_in_force, staging.registered_job, staging.loan_plan, reference.source
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
job as (
    select
        registered_job.delivery_id, registered_job.row_number,
        source.agency_code || '-' || registered_job.plan_number as plan_id
    from staging.delivery_in_force(:year, :phase, 'registered_job', cast(:cutoff as date)) as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.registered_job as registered_job
        on registered_job.year = :year and registered_job.phase = :phase
        and registered_job.delivery_id = delivery.delivery_id
    where source.agency_code in (select agency.agency_code from agency)
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'job_without_plan' as rule_code,
    job.delivery_id, job.row_number, job.plan_id,
    job.delivery_id || '#' || job.row_number as subject_id, job.plan_id as what
from job
where not exists (select 1 from plan where plan.plan_id = job.plan_id)
