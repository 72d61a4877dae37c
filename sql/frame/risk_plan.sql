-- what the risk of a plan is judged by
-- grain:  one row per plan of the frame
-- reads:  frame.eligible_plan, staging.loan_plan
-- writes: nothing
select
    frame.plan_id, frame.agency_code, frame.county_code, frame.plan_kind, frame.loan_paid_rial,
    frame.registered_job_count, frame.advising_firm_code, plan.activity_code, plan.loan_approved_rial,
    plan.job_commitment_count, plan.paid_on - plan.approved_on as wait_day_count
from frame.eligible_plan as frame
inner join staging.loan_plan as plan
    on plan.year = frame.year and plan.phase = frame.phase
    and plan.delivery_id = frame.delivery_id and plan.plan_id = frame.plan_id
where frame.year = :year and frame.phase = :phase
order by frame.plan_id
