-- every issued plan with its verdict, and what the frame knows of it
-- grain:  one row per issued plan
-- reads:  inspection.verdict, frame.eligible_plan
-- writes: nothing
select
    verdict.plan_id, verdict.province_code, verdict.county_code, verdict.agency_code, verdict.stratum_code,
    verdict.stratum_population_count, verdict.stratum_sample_count, verdict.inclusion_probability,
    verdict.is_supervised, verdict.is_decided, verdict.is_confirmed, verdict.verdict, verdict.loan_paid_rial,
    verdict.registered_job_count, verdict.realised_job_count, plan.plan_kind, plan.budget_note, plan.activity_code,
    plan.bank_code, plan.programme_code, plan.sex, :year - plan.birth_year as age, plan.settlement, plan.is_disabled,
    -- One person may stand behind several plans.
    coalesce(plan.national_id, verdict.plan_id) as holder
from inspection.verdict as verdict
-- A plan that the frame lost since it was issued must still be counted, among the unknown.
left join frame.eligible_plan as plan
    on plan.year = verdict.year and plan.phase = verdict.phase and plan.plan_id = verdict.plan_id
where verdict.year = :year and verdict.phase = :phase and verdict.cutoff = :cutoff
order by verdict.plan_id
