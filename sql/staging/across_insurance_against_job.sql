-- staging.contradiction
-- grain:  one row per accepted registered job that its worker's insurance records contradict
-- reads:  staging.delivery_in_force, staging.registered_job, staging.insurance_record, reference.source
-- writes: staging.contradiction (replace per year, phase and rule)
with
job as (
    select
        registered_job.delivery_id, registered_job.row_number, registered_job.worker_national_id,
        registered_job.started_on, registered_job.is_insured,
        coalesce(registered_job.ended_on, 'infinity') as ended_on,
        source.agency_code || '-' || registered_job.plan_number as plan_id
    from staging.delivery_in_force(:year, :phase, 'registered_job', cast(:cutoff as date)) as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.registered_job as registered_job
        on registered_job.year = :year and registered_job.phase = :phase
        and registered_job.delivery_id = delivery.delivery_id
),
spell as (
    select
        insurance_record.national_id, insurance_record.started_on,
        coalesce(insurance_record.ended_on, 'infinity') as ended_on,
        coalesce(insurance_record.employer_legal_id, '') as employer_legal_id
    from staging.delivery_in_force(:year, :phase, 'insurance_record', cast(:cutoff as date)) as delivery
    inner join staging.insurance_record as insurance_record
        on insurance_record.year = :year and insurance_record.phase = :phase
        and insurance_record.delivery_id = delivery.delivery_id
),
compared as (
    select
        job.delivery_id, job.row_number, job.plan_id, job.started_on, job.is_insured, job.worker_national_id,
        max(least(spell.ended_on, cast(:cutoff as date))) as last_on,
        -- Begun with the job or during it, or running without an employer: it may be the job's own.
        bool_or(
            spell.started_on between job.started_on - cast(:insurance_grace_days as integer) and job.ended_on
            or (
                spell.employer_legal_id = ''
                and spell.started_on < job.started_on and spell.ended_on > job.started_on
            )
        ) as has_own_spell,
        max(spell.employer_legal_id) filter (
            where spell.employer_legal_id <> ''
            and spell.started_on < job.started_on - cast(:insurance_grace_days as integer)
            and spell.ended_on > job.started_on + cast(:insurance_grace_days as integer)
        ) as other_employer_legal_id
    from job
    inner join spell on spell.national_id = job.worker_national_id
    group by
        job.delivery_id, job.row_number, job.plan_id, job.started_on, job.is_insured, job.worker_national_id
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, 'insurance_against_job' as rule_code,
    delivery_id, row_number, plan_id, delivery_id || '#' || row_number as subject_id,
    coalesce(other_employer_legal_id, last_on::text) || ' / ' || started_on as what
from compared
-- Without a spell of its own, a job contradicts another employer's, or its own claim of insurance.
where not has_own_spell and (other_employer_legal_id is not null or is_insured)
