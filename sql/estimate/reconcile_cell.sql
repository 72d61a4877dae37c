-- every registered plan as a rate may count it
-- grain:  one row per kind of plan: place, agency, what became of it, what the desk heard, its probability
-- reads:  inspection.verdict, frame.eligible_plan, frame.excluded_plan, frame.desk_verification, staging.delivery_in_force, staging.loan_plan, staging.visit
-- writes: nothing
-- sqlfluff:rules:layout.long_lines:ignore_comment_lines:true
with
verdict as (
    select
        plan_id, visit_id, is_supervised, is_decided, is_confirmed, verdict, inclusion_probability, realised_job_count
    from inspection.verdict
    where year = :year and phase = :phase and cutoff = :cutoff
),
desk as (
    select plan_id, phone_outcome, sms_outcome from frame.desk_verification where year = :year and phase = :phase
),
-- Why nobody was met; the verdict tells no more than that nobody was.
met as (
    select distinct on (verdict.plan_id) verdict.plan_id, visit.contact_outcome
    from verdict
    inner join staging.visit as visit on visit.plan_id = verdict.plan_id and visit.visit_id = verdict.visit_id
    inner join staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date)) as delivery
        on delivery.delivery_id = visit.delivery_id
    where visit.year = :year and visit.phase = :phase and visit.level = 'county'
    order by verdict.plan_id, visit.contact_outcome
),
plan as (
    select
        plan_id, province_code, county_code, agency_code, plan_kind, loan_paid_rial, registered_job_count,
        true as is_eligible
    from frame.eligible_plan
    where year = :year and phase = :phase
    union all
    select
        excluded.plan_id, loan.province_code, loan.county_code, excluded.agency_code, loan.plan_kind,
        coalesce(loan.loan_paid_rial, 0) as loan_paid_rial,
        coalesce(loan.registered_job_count, 0) as registered_job_count, false as is_eligible
    from frame.excluded_plan as excluded
    left join (
        select loan_plan.*
        from staging.loan_plan as loan_plan
        inner join staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity') as delivery
            on delivery.delivery_id = loan_plan.delivery_id
        where loan_plan.year = :year and loan_plan.phase = :phase
    ) as loan on loan.plan_id = excluded.plan_id
    where excluded.year = :year and excluded.phase = :phase
),
described as (
    select
        plan.province_code, plan.county_code, plan.agency_code, plan.plan_kind,
        case
            when not plan.is_eligible then 'excluded'
            when verdict.plan_id is null then 'not_issued'
            when verdict.verdict = 'non_contact' then coalesce(met.contact_outcome, verdict.verdict)
            else verdict.verdict
        end as outcome,
        plan.is_eligible,
        verdict.plan_id is not null as is_issued,
        coalesce(verdict.is_supervised, false) as is_supervised,
        coalesce(verdict.is_decided, false) as is_decided,
        coalesce(verdict.is_confirmed, false) as is_confirmed,
        desk.phone_outcome, desk.sms_outcome, verdict.inclusion_probability,
        plan.loan_paid_rial, plan.registered_job_count,
        coalesce(verdict.realised_job_count, 0) as jobs_found_count
    from plan
    left join verdict on verdict.plan_id = plan.plan_id
    left join met on met.plan_id = plan.plan_id
    left join desk on desk.plan_id = plan.plan_id
)
select
    province_code, county_code, agency_code, plan_kind, outcome, is_eligible, is_issued, is_supervised, is_decided,
    is_confirmed, phone_outcome, sms_outcome, inclusion_probability,
    count(*) as plan_count,
    sum(loan_paid_rial)::bigint as loan_paid_rial,
    sum(registered_job_count)::bigint as registered_job_count,
    sum(jobs_found_count)::bigint as jobs_found_count
from described
group by
    province_code, county_code, agency_code, plan_kind, outcome, is_eligible, is_issued, is_supervised, is_decided,
    is_confirmed, phone_outcome, sms_outcome, inclusion_probability
order by
    county_code, agency_code, plan_kind, outcome, phone_outcome, sms_outcome, inclusion_probability
