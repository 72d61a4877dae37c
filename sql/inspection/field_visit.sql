-- the visits by those who were sent, as the quality of inspectors is judged by
-- grain:  one row per returned visit that was not refused
-- reads:  staging.delivery_in_force, staging.visit, sample.issued_at, frame.eligible_plan,
--         inspection.verdict, inspection.refused_visit
-- writes: nothing
with
delivery as (
    select delivery_id, received_on
    from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
refused as (
    select delivery_id, row_number from inspection.refused_visit
    where year = :year and phase = :phase and cutoff = :cutoff
),
verdict as (
    select visit_id, is_decided, is_confirmed from inspection.verdict
    where year = :year and phase = :phase and cutoff = :cutoff
)
select
    visit.visit_id, visit.plan_id, visit.level, visit.firm_code, visit.inspector_code, visit.visited_on,
    delivery.received_on, visit.started_minute, visit.ended_minute,
    cast(visit.latitude as double precision) as latitude, cast(visit.longitude as double precision) as longitude,
    visit.photo_sha256, visit.contact_outcome, visit.is_final, visit.has_rule_breach, visit.loan_use, visit.is_running,
    visit.jobs_found_count, visit.sales_rial, visit.asset_rial, issued.agency_code, issued.province_code,
    issued.county_code, issued.plan_kind, issued.registered_job_count,
    framed.latitude as plan_latitude, framed.longitude as plan_longitude,
    verdict.is_decided, verdict.is_confirmed
from staging.visit as visit
inner join delivery on delivery.delivery_id = visit.delivery_id
inner join sample.issued_at(:year, :phase, cast(:cutoff as date)) as issued on issued.plan_id = visit.plan_id
left join frame.eligible_plan as framed
    on framed.year = visit.year and framed.phase = visit.phase and framed.plan_id = issued.plan_id
-- A visit that a later one replaces has no verdict of its own.
left join verdict on verdict.visit_id = visit.visit_id and visit.level = 'county'
where
    visit.year = :year and visit.phase = :phase
    and not exists (
        select 1 from refused
        where refused.delivery_id = visit.delivery_id and refused.row_number = visit.row_number
    )
order by visit.visit_id
