-- inspection.progress
-- grain:  one row per level and unit: the nation, a province, a firm in charge
-- reads:  sample.issued_at, sample.reinspected_plan, sample.assignment_at, sample.assignment_history, inspection.verdict,
--         staging.delivery_in_force, staging.visit
-- writes: inspection.progress (replace per cut-off)
with
issued as (
    select plan_id, 'county' as level, province_code
    from sample.issued_at(:year, :phase, cast(:cutoff as date))
    union all
    select again.plan_id, again.level, first.province_code
    from sample.reinspected_plan as again
    inner join sample.issued_at(:year, :phase, cast(:cutoff as date)) as first on first.plan_id = again.plan_id
    where again.year = :year and again.phase = :phase
),
charge as (
    select * from sample.assignment_at(:year, :phase, cast(:cutoff as date))
),
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
visit as (
    select staging.visit.* from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    where staging.visit.year = :year and staging.visit.phase = :phase
),
first_visit as (
    select
        'county' as level, verdict.plan_id, verdict.is_supervised, verdict.is_decided,
        (verdict.plan_id, verdict.visit_id) in (
            select visit.plan_id, visit.visit_id from visit where visit.contact_outcome = 'contacted'
        ) as is_visited
    from inspection.verdict as verdict
    where verdict.year = :year and verdict.phase = :phase and verdict.cutoff = cast(:cutoff as date)
),
-- No verdict is given on what is inspected again: what its inspector reports is counted.
later_visit as (
    select
        held.level, held.plan_id, true as is_supervised,
        bool_or(visit.contact_outcome = 'contacted' and visit.is_final) as is_decided,
        bool_or(visit.contact_outcome = 'contacted') as is_visited
    from sample.assignment_history as held
    -- A visit counts if its inspector was in charge on its day, whoever took over since.
    inner join visit
        on visit.plan_id = held.plan_id and visit.level = held.level
        and visit.inspector_code = held.inspector_code and visit.firm_code is not distinct from held.firm_code
        and (held.spell_number = 0 or held.assigned_on <= visit.visited_on)
        and (held.until_on is null or held.until_on > visit.visited_on)
    where held.year = :year and held.phase = :phase and held.level <> 'county'
    group by held.level, held.plan_id
),
outcome as (
    select level, plan_id, is_supervised, is_visited, is_decided from first_visit
    union all
    select level, plan_id, is_supervised, is_visited, is_decided from later_visit
),
state as (
    select
        issued.level, issued.plan_id, issued.province_code, charge.firm_code,
        charge.inspector_code is not null as is_assigned,
        coalesce(outcome.is_supervised, false) as is_attempted,
        coalesce(outcome.is_visited, false) as is_visited,
        coalesce(outcome.is_decided, false) as is_decided,
        not coalesce(outcome.is_supervised, false)
        and charge.assigned_on
        < cast(:cutoff as date) - cast(cast(:overdue_days as jsonb) ->> issued.level as integer) as is_overdue,
        coalesce(charge.spell_number > 0, false) as is_reassigned
    from issued
    left join charge on charge.level = issued.level and charge.plan_id = issued.plan_id
    left join outcome on outcome.level = issued.level and outcome.plan_id = issued.plan_id
),
member as (
    select state.*, part.unit_kind, part.unit_code
    from state
    cross join lateral (
        values ('nation', 'IR'), ('province', state.province_code), ('firm', state.firm_code)
    ) as part (unit_kind, unit_code)
    where part.unit_code is not null
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:cutoff as date) as cutoff,
    member.level, member.unit_kind, member.unit_code,
    count(*) as issued_plan_count,
    count(*) filter (where member.is_assigned) as assigned_plan_count,
    count(*) filter (where member.is_attempted) as attempted_plan_count,
    count(*) filter (where member.is_visited) as visited_plan_count,
    count(*) filter (where member.is_decided) as decided_plan_count,
    count(*) filter (where member.is_overdue) as overdue_plan_count,
    count(*) filter (where member.is_reassigned) as reassigned_plan_count
from member
group by member.level, member.unit_kind, member.unit_code
