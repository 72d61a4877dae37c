-- plans as pairs of them are compared
-- grain:  one row per plan that meets every rule of the frame
-- reads:  candidate
-- writes: nothing
select
    plan_id, agency_code, national_id, province_code, county_code, loan_paid_rial, plan_kind,
    -- What the exact match has merged already is not looked for again.
    same_plan_id = plan_id as is_single,
    -- A distance is taken of at most 255 bytes.
    nullif(left(applicant_name_key, 100), '') as name_key,
    approved_on - date '1900-01-01' as approved_on, paid_on - date '1900-01-01' as paid_on,
    -- A section's letter cannot be held against a class.
    case when activity_code ~ '^[0-9]{2,4}$' then activity_code end as activity_code
from candidate
where reason_code is null
order by plan_id
