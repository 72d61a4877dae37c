-- staging.loan_plan
-- grain:  one row per accepted plan of one delivery
-- reads:  conformed_loan_plan, staging.rejected_row
-- writes: staging.loan_plan (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    cast(:agency_code as text) || '-' || plan_number as plan_id,
    cast(:agency_code as text) as agency_code,
    row_number, national_id, applicant_name, province_code, county_code, budget_note, activity_code, plan_kind,
    approved_on, paid_on, loan_approved_rial, loan_paid_rial, job_commitment_count, registered_job_count,
    advising_firm_code
from conformed_loan_plan
where not exists (
    select 1 from staging.rejected_row
    where rejected_row.delivery_id = :delivery_id and rejected_row.row_number = conformed_loan_plan.row_number
)
