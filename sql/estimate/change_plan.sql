-- every issued plan of a round with its kind and verdict, at the newest cut-off up to a day
-- grain:  one row per issued plan; none where the round has no verdicts
-- reads:  inspection.verdict, sample.issued_at
-- writes: nothing
with
newest as (
    select max(cutoff) as cutoff from inspection.verdict
    where year = :year and phase = :phase and cutoff <= cast(:cutoff as date)
),
issued as (
    select plan_id, plan_kind from sample.issued_at(:year, :phase, cast(:cutoff as date))
)
select
    verdict.cutoff, verdict.plan_id, verdict.province_code, verdict.county_code, verdict.agency_code,
    issued.plan_kind, verdict.stratum_code, verdict.stratum_population_count, verdict.stratum_sample_count,
    verdict.inclusion_probability, verdict.is_supervised, verdict.is_decided, verdict.is_confirmed, verdict.verdict,
    verdict.loan_paid_rial, verdict.realised_job_count
from inspection.verdict as verdict
inner join newest on newest.cutoff = verdict.cutoff
inner join issued on issued.plan_id = verdict.plan_id
where verdict.year = :year and verdict.phase = :phase
order by verdict.plan_id
