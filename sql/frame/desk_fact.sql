-- pg_temp.desk_fact
-- grain:  one row per eligible plan, with what insurance, SMS and phone say of it
-- reads:  frame.eligible_plan, frame.excluded_plan, staging.delivery_in_force, staging.registered_job, staging.insurance_record, staging.desk_contact, reference.source
-- writes: a temporary table, dropped with the transaction
-- sqlfluff:rules:layout.long_lines:ignore_comment_lines:true
create temp table desk_fact on commit drop as
with
plan as (
    select plan_id, national_id, paid_on from frame.eligible_plan where year = :year and phase = :phase
),
-- What is said of a plan's second registration is said of the plan.
known_plan as (
    select plan_id, plan_id as kept_plan_id from plan
    union all
    select plan_id, kept_plan_id from frame.excluded_plan
    where year = :year and phase = :phase and kept_plan_id is not null
),
spell as (
    select insurance_record.national_id, max(coalesce(insurance_record.ended_on, 'infinity')) as last_on
    from staging.delivery_in_force(:year, :phase, 'insurance_record', 'infinity') as delivery
    inner join staging.insurance_record as insurance_record
        on insurance_record.year = :year and insurance_record.phase = :phase
        and insurance_record.delivery_id = delivery.delivery_id
    group by insurance_record.national_id
),
worker as (
    select known_plan.kept_plan_id as plan_id, registered_job.worker_national_id as national_id
    from staging.delivery_in_force(:year, :phase, 'registered_job', 'infinity') as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.registered_job as registered_job
        on registered_job.year = :year and registered_job.phase = :phase
        and registered_job.delivery_id = delivery.delivery_id
    inner join known_plan on known_plan.plan_id = source.agency_code || '-' || registered_job.plan_number
    union
    select plan_id, national_id from plan where national_id is not null
),
insured as (
    select worker.plan_id, count(*) as worker_count
    from worker
    inner join spell on spell.national_id = worker.national_id
    inner join plan on plan.plan_id = worker.plan_id
    -- A spell that ended before the loan was paid is no job of the loan.
    where spell.last_on >= plan.paid_on
    group by worker.plan_id
),
contact as (
    select distinct on (known_plan.kept_plan_id, desk_contact.channel)
        known_plan.kept_plan_id as plan_id, desk_contact.channel, desk_contact.outcome, desk_contact.contacted_on
    from staging.delivery_in_force(:year, :phase, 'desk_contact', 'infinity') as delivery
    inner join staging.desk_contact as desk_contact
        on desk_contact.year = :year and desk_contact.phase = :phase
        and desk_contact.delivery_id = delivery.delivery_id
    inner join known_plan on known_plan.plan_id = desk_contact.contacted_plan_id
    order by
        known_plan.kept_plan_id asc, desk_contact.channel asc, desk_contact.contacted_on desc,
        desk_contact.contact_id desc
),
said as (
    select
        plan_id,
        max(outcome) filter (where channel = 'sms') as sms_outcome,
        max(outcome) filter (where channel = 'phone') as phone_outcome,
        max(contacted_on) as last_contacted_on
    from contact
    group by plan_id
),
fact as (
    select
        plan.plan_id, said.sms_outcome, said.phone_outcome, said.last_contacted_on,
        -- Nobody delivered a record: nothing is known, which is not the same as nobody insured.
        case when exists (select 1 from spell) then coalesce(insured.worker_count, 0) end as insured_worker_count
    from plan
    left join insured on insured.plan_id = plan.plan_id
    left join said on said.plan_id = plan.plan_id
)
select
    fact.*, fact.insured_worker_count > 0 as has_insurance,
    concat_ws(
        ' ', coalesce((fact.insured_worker_count > 0)::text, '-'), coalesce(fact.sms_outcome, '-'),
        coalesce(fact.phone_outcome, '-')
    ) as combination
from fact
