-- the verdicts of earlier years beside what was known of their plans when they were scored
-- grain:  one row per decided plan of an earlier period
-- reads:  inspection.verdict (earlier periods), frame.plan_risk
-- writes: nothing
with
verdict as (
    select * from inspection.verdict where year < :year and year >= :first_year
),
newest as (
    select year, phase, max(cutoff) as cutoff from verdict group by year, phase
)
select
    risk.year, risk.phase, risk.plan_id, not verdict.is_confirmed as is_refused, verdict.inclusion_probability,
    risk.loan_paid_rial, risk.registered_job_count, risk.is_enterprise, risk.is_advised, risk.is_agency_new,
    risk.wait_day_count, risk.loan_per_job_ratio, risk.paid_share, risk.registered_job_share,
    risk.adviser_plan_share, risk.agency_refused_share, risk.county_refused_share
from verdict
inner join newest
    on newest.year = verdict.year and newest.phase = verdict.phase and newest.cutoff = verdict.cutoff
inner join frame.plan_risk as risk
    on risk.year = verdict.year and risk.phase = verdict.phase and risk.plan_id = verdict.plan_id
where verdict.is_decided
order by risk.year, risk.phase, risk.plan_id
