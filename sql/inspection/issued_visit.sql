-- every issued plan beside its first visit in force at the cut-off
-- grain:  one row per issued plan
-- reads:  sample.issued_at, sample.assignment_history, staging.delivery_in_force, staging.visit
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
charge as (
    select * from sample.assignment_history where year = :year and phase = :phase and level = 'county'
),
-- A visit counts if its inspector was in charge on its day; the first one was from the start.
visit as (
    select distinct on (staging.visit.plan_id) staging.visit.*
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    inner join charge
        on charge.plan_id = staging.visit.plan_id and charge.inspector_code = staging.visit.inspector_code
        and charge.firm_code is not distinct from staging.visit.firm_code
        and (charge.spell_number = 0 or charge.assigned_on <= staging.visit.visited_on)
        and (charge.until_on is null or charge.until_on > staging.visit.visited_on)
    where staging.visit.year = :year and staging.visit.phase = :phase and staging.visit.level = 'county'
    order by staging.visit.plan_id asc, staging.visit.visited_on desc, staging.visit.visit_id desc
)
select
    issued.plan_id, issued.agency_code, issued.province_code, issued.county_code, issued.stratum_code,
    issued.stratum_population_count, issued.stratum_sample_count, issued.inclusion_probability,
    issued.loan_paid_rial, issued.registered_job_count, visit.visit_id, visit.visited_on, visit.contact_outcome,
    visit.is_final, visit.has_rule_breach, visit.loan_use, visit.is_running, visit.jobs_found_count
from sample.issued_at(:year, :phase, cast(:cutoff as date)) as issued
-- A plan nobody visited must surface as null, and stop at the gate; a visit by another inspector is not its visit.
left join visit on visit.plan_id = issued.plan_id
order by issued.plan_id
