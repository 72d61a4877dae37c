-- the plans of one delivery, as its suite judges them
-- grain:  one row per accepted plan
-- reads:  staging.loan_plan
-- writes: nothing
select
    plan_id, national_id, province_code, county_code, activity_code, plan_kind, approved_on, paid_on,
    loan_approved_rial, loan_paid_rial, job_commitment_count, registered_job_count
from staging.loan_plan
where delivery_id = :delivery_id
