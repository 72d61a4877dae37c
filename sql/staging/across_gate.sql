-- measures of the rules across the deliveries in force of a period
-- grain:  one row
-- reads:  staging.contradiction, staging.delivery_in_force, staging.loan_plan, staging.payment, staging.registered_job, staging.insurance_record
-- writes: nothing
-- sqlfluff:rules:layout.long_lines:ignore_comment_lines:true
with
plan as (
    select
        count(*) as plan_count,
        count(distinct loan_plan.national_id) as person_count,
        count(*) filter (where loan_plan.loan_paid_rial > 0) as paid_plan_count,
        count(*) filter (
            where loan_plan.loan_paid_rial > 0
            and loan_plan.registered_job_count = 0 and loan_plan.job_commitment_count > 0
        ) as paid_without_registered_job_count
    from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as delivery
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = delivery.delivery_id
),
payment as (
    select count(*) as payment_count
    from staging.delivery_in_force(:year, :phase, 'payment', cast(:cutoff as date)) as delivery
    inner join staging.payment as payment
        on payment.year = :year and payment.phase = :phase and payment.delivery_id = delivery.delivery_id
),
insured_person as (
    select distinct insurance_record.national_id
    from staging.delivery_in_force(:year, :phase, 'insurance_record', cast(:cutoff as date)) as delivery
    inner join staging.insurance_record as insurance_record
        on insurance_record.year = :year and insurance_record.phase = :phase
        and insurance_record.delivery_id = delivery.delivery_id
),
job as (
    select count(*) as job_count, count(insured_person.national_id) as job_of_insured_count
    from staging.delivery_in_force(:year, :phase, 'registered_job', cast(:cutoff as date)) as delivery
    inner join staging.registered_job as registered_job
        on registered_job.year = :year and registered_job.phase = :phase
        and registered_job.delivery_id = delivery.delivery_id
    left join insured_person on insured_person.national_id = registered_job.worker_national_id
),
found as (
    select
        count(distinct subject_id) filter (where rule_code = 'person_agencies') as person_agencies_count,
        count(*) filter (where rule_code = 'paid_above_approved') as paid_above_approved_count,
        count(*) filter (where rule_code = 'paid_before_approved') as paid_before_approved_count,
        count(*) filter (where rule_code = 'paid_without_job') as paid_without_job_count,
        count(*) filter (where rule_code = 'payment_without_plan') as payment_without_plan_count,
        count(*) filter (where rule_code = 'job_without_plan') as job_without_plan_count,
        count(*) filter (where rule_code = 'insurance_against_job') as insurance_against_job_count
    from staging.contradiction
    where year = :year and phase = :phase
)
-- A share of nothing is null: its rule was not judged.
select
    plan.plan_count, plan.person_count, plan.paid_plan_count, payment.payment_count, job.job_count,
    job.job_of_insured_count,
    found.person_agencies_count,
    found.person_agencies_count::double precision / nullif(plan.person_count, 0) as person_agencies_share,
    found.paid_above_approved_count,
    found.paid_above_approved_count::double precision / nullif(plan.plan_count, 0) as paid_above_approved_share,
    found.paid_before_approved_count,
    found.paid_before_approved_count::double precision / nullif(plan.plan_count, 0) as paid_before_approved_share,
    found.paid_without_job_count,
    found.paid_without_job_count::double precision / nullif(plan.paid_plan_count, 0) as paid_without_job_share,
    found.payment_without_plan_count,
    found.payment_without_plan_count::double precision / nullif(payment.payment_count, 0) as payment_without_plan_share,
    found.job_without_plan_count,
    found.job_without_plan_count::double precision / nullif(job.job_count, 0) as job_without_plan_share,
    found.insurance_against_job_count,
    found.insurance_against_job_count::double precision / nullif(job.job_of_insured_count, 0) as insurance_against_job_share,
    plan.paid_without_registered_job_count,
    plan.paid_without_registered_job_count::double precision
    / nullif(plan.paid_plan_count, 0) as paid_without_registered_job_share
from plan
cross join payment
cross join job
cross join found
