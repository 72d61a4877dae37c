-- every issued plan with its verdict, why it has none, and what its propensity to answer may depend on
-- grain:  one row per issued plan
-- reads:  inspection.verdict, staging.delivery_in_force, staging.visit, frame.eligible_plan
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
verdict as (
    select * from inspection.verdict where year = :year and phase = :phase and cutoff = :cutoff
),
visit as (
    select distinct on (staging.visit.plan_id, staging.visit.visit_id)
        staging.visit.plan_id, staging.visit.visit_id, staging.visit.firm_code, staging.visit.contact_outcome
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    where staging.visit.year = :year and staging.visit.phase = :phase and staging.visit.level = 'county'
    order by staging.visit.plan_id asc, staging.visit.visit_id asc, staging.visit.visited_on desc
)
select
    verdict.plan_id, verdict.province_code, verdict.agency_code, verdict.stratum_code, verdict.stratum_population_count,
    verdict.stratum_sample_count, verdict.inclusion_probability, verdict.is_supervised, verdict.is_decided,
    verdict.is_confirmed, verdict.verdict,
    -- Who was not met is told apart: away, unwilling or moved.
    case when verdict.verdict = 'non_contact' then visit.contact_outcome else verdict.verdict end as outcome,
    visit.firm_code, verdict.loan_paid_rial, framed.plan_kind, framed.budget_note, framed.activity_code,
    framed.registered_job_count, framed.advising_firm_code is not null as is_advised
from verdict
left join visit on visit.plan_id = verdict.plan_id and visit.visit_id = verdict.visit_id
-- A plan that the frame lost since it was issued is still one of its stratum.
left join frame.eligible_plan as framed
    on framed.year = verdict.year and framed.phase = verdict.phase and framed.plan_id = verdict.plan_id
order by verdict.plan_id
