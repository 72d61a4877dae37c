-- frame.eligible_plan
-- grain:  one row per plan that may be drawn
-- reads:  candidate
-- writes: frame.eligible_plan (replace)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, plan_id, delivery_id, agency_code,
    province_code, county_code, county_code as stratum_code, plan_kind, loan_paid_rial, registered_job_count,
    advising_firm_code
from candidate
where is_paid_in_year and is_large_enough and kept_plan_id = plan_id
