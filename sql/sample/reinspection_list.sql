-- the visits that inspectors of a higher level repeat, as the list is handed out: nothing of the first visit is on it
-- grain:  one row per plan and level
-- reads:  sample.reinspected_plan, sample.assignment_in_force, sample.issued_plan, frame.eligible_plan, staging.loan_plan
-- writes: nothing
select
    again.plan_id, issued.agency_code, issued.province_code, issued.county_code, charge.firm_code,
    charge.inspector_code, plan.national_id, plan.applicant_name, issued.plan_kind, issued.registered_job_count,
    issued.loan_paid_rial, again.level
from sample.reinspected_plan as again
inner join sample.issued_plan as issued
    on issued.year = again.year and issued.phase = again.phase and issued.plan_id = again.plan_id
inner join frame.eligible_plan as frame
    on frame.year = issued.year and frame.phase = issued.phase and frame.plan_id = issued.plan_id
inner join staging.loan_plan as plan
    on plan.year = frame.year and plan.phase = frame.phase
    and plan.delivery_id = frame.delivery_id and plan.plan_id = frame.plan_id
left join sample.assignment_in_force as charge
    on charge.year = again.year and charge.phase = again.phase and charge.plan_id = again.plan_id
    and charge.level = again.level
where again.year = :year and again.phase = :phase
order by again.level, again.plan_id
