-- what an inspector is told of each plan he is to visit; no probability, no risk, no verdict, no second assignment
-- grain:  one row per assigned visit
-- reads:  sample.assignment_in_force, sample.issued_at, sample.reinspected_plan, frame.eligible_plan,
--         staging.loan_plan, staging.delivery_in_force, staging.inspector, reference.county, reference.province
-- writes: nothing
with
charge as (
    select * from sample.assignment_in_force where year = :year and phase = :phase
),
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'inspector', 'infinity')
),
base as (
    select distinct on (staging.inspector.inspector_code)
        staging.inspector.inspector_code,
        cast(staging.inspector.latitude as double precision) as latitude,
        cast(staging.inspector.longitude as double precision) as longitude
    from staging.inspector
    inner join delivery on delivery.delivery_id = staging.inspector.delivery_id
    where staging.inspector.year = :year and staging.inspector.phase = :phase
    order by staging.inspector.inspector_code, staging.inspector.delivery_id
),
again as (
    select plan_id, level from sample.reinspected_plan where year = :year and phase = :phase
)
select
    issued.plan_id, coalesce(charge.firm_code, '') as firm_code, charge.inspector_code, issued.province_code,
    issued.county_code, province.name_fa as province_name, county.name_fa as county_name, plan.applicant_name,
    issued.plan_kind, issued.registered_job_count, issued.loan_paid_rial, charge.level,
    case charge.level when 'county' then 'V' when 'provincial' then 'RP' else 'RN' end
    || :year || :phase || '-' || issued.plan_id as visit_id,
    cast(null as text) as address,
    frame.latitude, frame.longitude, base.latitude as base_latitude, base.longitude as base_longitude
from sample.issued_at(:year, :phase, 'infinity') as issued
inner join charge on charge.plan_id = issued.plan_id
inner join frame.eligible_plan as frame
    on frame.year = :year and frame.phase = :phase and frame.plan_id = issued.plan_id
inner join staging.loan_plan as plan
    on plan.year = frame.year and plan.phase = frame.phase
    and plan.delivery_id = frame.delivery_id and plan.plan_id = frame.plan_id
inner join reference.county as county on county.county_code = issued.county_code
inner join reference.province as province on province.province_code = issued.province_code
left join base on base.inspector_code = charge.inspector_code
where
    (charge.level = 'county' or (issued.plan_id, charge.level) in (select again.plan_id, again.level from again))
order by issued.plan_id, charge.level
