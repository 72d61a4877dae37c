-- every plan to be repeated beside its repeat in force at the cut-off, and the first verdict
-- grain:  one row per plan and level of the repeats
-- reads:  sample.reinspected_plan, sample.assignment_history, staging.delivery_in_force, staging.visit, inspection.verdict,
--         sample.issued_plan
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
charge as (
    select * from sample.assignment_history where year = :year and phase = :phase
),
-- A visit counts if its inspector was in charge on its day, as first visits do.
visit as (
    select distinct on (staging.visit.plan_id, staging.visit.level) staging.visit.*
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    inner join charge
        on charge.plan_id = staging.visit.plan_id and charge.level = staging.visit.level
        and charge.inspector_code = staging.visit.inspector_code
        and charge.firm_code is not distinct from staging.visit.firm_code
        and (charge.spell_number = 0 or charge.assigned_on <= staging.visit.visited_on)
        and (charge.until_on is null or charge.until_on > staging.visit.visited_on)
    where staging.visit.year = :year and staging.visit.phase = :phase and staging.visit.level <> 'county'
    order by
        staging.visit.plan_id asc, staging.visit.level asc, staging.visit.visited_on desc, staging.visit.visit_id desc
),
in_charge as (
    select plan_id, level, inspector_code from charge where until_on is null
),
first_verdict as (
    select * from inspection.verdict where year = :year and phase = :phase and cutoff = :cutoff
)
select
    repeated.plan_id, repeated.level, first_verdict.agency_code, first_verdict.province_code, first_verdict.county_code,
    -- What is repeated was drawn from the list as issued; the reserve released since makes it a smaller part.
    repeated.inclusion_probability * case
        when repeated.level = 'provincial'
            then cast(issued.stratum_sample_count as double precision) / first_verdict.stratum_sample_count
        else 1
    end as inclusion_probability,
    coalesce(visit.inspector_code, in_charge.inspector_code) as inspector_code,
    first_verdict.registered_job_count, visit.visit_id,
    visit.visited_on, visit.contact_outcome, visit.is_final, visit.has_rule_breach, visit.loan_use, visit.is_running,
    visit.jobs_found_count, first_verdict.visit_id as first_visit_id, first_verdict.is_decided as first_is_decided,
    first_verdict.is_confirmed as first_is_confirmed, first_verdict.verdict as first_verdict
from sample.reinspected_plan as repeated
inner join first_verdict on first_verdict.plan_id = repeated.plan_id
inner join sample.issued_plan as issued
    on issued.year = repeated.year and issued.phase = repeated.phase and issued.plan_id = repeated.plan_id
left join in_charge on in_charge.plan_id = repeated.plan_id and in_charge.level = repeated.level
left join visit on visit.plan_id = repeated.plan_id and visit.level = repeated.level
where repeated.year = :year and repeated.phase = :phase
order by repeated.plan_id, repeated.level
