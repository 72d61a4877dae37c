-- frame.eligible_plan
-- grain:  one row per plan that may be drawn
-- reads:  candidate
-- writes: frame.eligible_plan (replace)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, plan_id, delivery_id, agency_code,
    province_code, county_code, county_code as stratum_code, plan_kind, loan_paid_rial, registered_job_count,
    advising_firm_code, known_national_id as national_id, applicant_name_key, budget_note, activity_code,
    bank_code, programme_code, sex,
    birth_year, settlement, is_disabled, approved_on, paid_on, loan_approved_rial, job_commitment_count,
    cast(latitude as double precision) as latitude, cast(longitude as double precision) as longitude
from candidate
where reason_code is null and kept_plan_id = plan_id
