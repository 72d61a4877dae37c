-- the list as it is handed out to inspectors
-- grain:  one row per issued plan
-- reads:  sample.issued_at, frame.eligible_plan, staging.loan_plan
-- writes: nothing
select
    issued.plan_id, issued.agency_code, issued.province_code, issued.county_code, issued.firm_code,
    issued.inspector_code, plan.national_id, plan.applicant_name, issued.plan_kind, issued.registered_job_count,
    issued.loan_paid_rial, issued.inclusion_probability, frame.latitude, frame.longitude
from sample.issued_at(:year, :phase, 'infinity') as issued
inner join frame.eligible_plan as frame
    on frame.year = :year and frame.phase = :phase and frame.plan_id = issued.plan_id
inner join staging.loan_plan as plan
    on plan.year = frame.year and plan.phase = frame.phase
    and plan.delivery_id = frame.delivery_id and plan.plan_id = frame.plan_id
order by issued.plan_id
