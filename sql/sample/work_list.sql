-- what an inspector is told of each plan he is to visit; no probability, no risk, no verdict, no second assignment
-- grain:  one row per assigned visit
-- reads:  sample.issued_plan, frame.eligible_plan, staging.loan_plan, reference.county, reference.province
-- writes: nothing
select
    issued.plan_id, issued.firm_code, issued.inspector_code, issued.province_code, issued.county_code,
    province.name_fa as province_name, county.name_fa as county_name, plan.applicant_name, issued.plan_kind,
    issued.registered_job_count, issued.loan_paid_rial,
    'field' as level,
    'V' || issued.year || issued.phase || '-' || issued.plan_id as visit_id,
    cast(null as text) as address,
    cast(null as double precision) as latitude,
    cast(null as double precision) as longitude,
    cast(null as double precision) as base_latitude,
    cast(null as double precision) as base_longitude
from sample.issued_plan as issued
inner join frame.eligible_plan as frame
    on frame.year = issued.year and frame.phase = issued.phase and frame.plan_id = issued.plan_id
inner join staging.loan_plan as plan
    on plan.year = frame.year and plan.phase = frame.phase
    and plan.delivery_id = frame.delivery_id and plan.plan_id = frame.plan_id
inner join reference.county as county on county.county_code = issued.county_code
inner join reference.province as province on province.province_code = issued.province_code
where issued.year = :year and issued.phase = :phase
order by issued.plan_id
