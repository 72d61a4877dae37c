-- every plan of the frame with what it is estimated by: its domains, its loan and the jobs listed for it
-- grain:  one row per eligible plan
-- reads:  frame.eligible_plan, staging.delivery_in_force, staging.registered_job
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'registered_job', cast(:cutoff as date))
),
listed as (
    select
        registered_job.agency_code,
        registered_job.agency_code || '-' || registered_job.plan_number as plan_id,
        registered_job.started_on,
        coalesce(registered_job.ended_on, cast('infinity' as date)) as ended_on
    from staging.registered_job
    inner join delivery on delivery.delivery_id = registered_job.delivery_id
    where registered_job.year = :year and registered_job.phase = :phase
),
term as (
    select month_count, make_interval(months => month_count) as lasting
    from unnest(array[6, 12, 24]) as term (month_count)
),
of_plan as (
    select
        listed.plan_id,
        min(listed.started_on) as first_started_on,
        count(*) filter (where month_count = 6 and started_on + lasting <= :cutoff) as seen_6,
        count(*) filter (where month_count = 12 and started_on + lasting <= :cutoff) as seen_12,
        count(*) filter (where month_count = 24 and started_on + lasting <= :cutoff) as seen_24,
        count(*) filter (where month_count = 6 and started_on + lasting > :cutoff) as recent_6,
        count(*) filter (where month_count = 12 and started_on + lasting > :cutoff) as recent_12,
        count(*) filter (where month_count = 24 and started_on + lasting > :cutoff) as recent_24,
        count(*) filter (
            where month_count = 6 and started_on + lasting <= least(cast(:cutoff as date), ended_on)
        ) as lasted_6,
        count(*) filter (
            where month_count = 12 and started_on + lasting <= least(cast(:cutoff as date), ended_on)
        ) as lasted_12,
        count(*) filter (
            where month_count = 24 and started_on + lasting <= least(cast(:cutoff as date), ended_on)
        ) as lasted_24
    from listed
    cross join term
    group by listed.plan_id
),
lister as (
    select distinct agency_code from listed
)
select
    plan.plan_id, plan.province_code, plan.county_code, plan.agency_code, plan.plan_kind, plan.budget_note,
    plan.activity_code, plan.bank_code, plan.programme_code, plan.sex, :year - plan.birth_year as age,
    plan.settlement, plan.is_disabled, plan.loan_paid_rial,
    plan.job_commitment_count, plan.registered_job_count,
    -- One person may stand behind several plans.
    coalesce(plan.national_id, plan.plan_id) as holder,
    lister.agency_code is not null as has_job_list, of_plan.plan_id is not null as has_job,
    of_plan.first_started_on - plan.paid_on as payment_to_job_days,
    of_plan.seen_6 as job_seen_6_months_count, of_plan.lasted_6 as job_lasted_6_months_count,
    of_plan.recent_6 as job_too_recent_6_months_count, of_plan.seen_12 as job_seen_12_months_count,
    of_plan.lasted_12 as job_lasted_12_months_count, of_plan.recent_12 as job_too_recent_12_months_count,
    of_plan.seen_24 as job_seen_24_months_count, of_plan.lasted_24 as job_lasted_24_months_count,
    of_plan.recent_24 as job_too_recent_24_months_count
from frame.eligible_plan as plan
left join of_plan on of_plan.plan_id = plan.plan_id
left join lister on lister.agency_code = plan.agency_code
where plan.year = :year and plan.phase = :phase
order by plan.plan_id
