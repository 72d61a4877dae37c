-- staging.rejected_row
-- grain:  one row per delivered row and reason it is given back for
-- reads:  conformed_loan_plan
-- writes: staging.rejected_row (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    row_number, reason_code, column_name, found
from conformed_loan_plan
cross join lateral (
    values
    ('row_width', 'row', row_fault, row_fault is not null),
    ('plan_number_missing', 'plan_number', plan_number, coalesce(plan_number, '') = ''),
    ('plan_number_repeated', 'plan_number', plan_number, plan_number <> '' and occurrence > 1),
    ('national_id_invalid', 'national_id', national_id, not coalesce(reference.is_national_id(national_id), false)),
    ('province_unknown', 'province', province, province_code is null),
    (
        'county_not_in_province', 'county', county || ' / ' || province,
        province_code is not null and county_code is null and is_county_somewhere
    ),
    (
        'county_unknown', 'county', county,
        province_code is not null and county_code is null and not is_county_somewhere
    ),
    ('plan_kind_unknown', 'plan_kind', plan_kind_key, plan_kind is null),
    ('date_impossible', 'approved_on', approved_text, approved_on is null),
    ('paid_date_impossible', 'paid_on', paid_text, paid_on is null),
    ('loan_not_positive', 'loan_paid_rial', paid_rial_text, coalesce(loan_paid_rial, 0) not between 1 and 1e17),
    ('approved_loan_not_positive', 'loan_approved_rial', approved_rial_text, coalesce(loan_approved_rial, 0) not between 1 and 1e17),
    (
        'job_count_invalid', 'registered_job_count', coalesce(registered_job_count, job_commitment_count)::text,
        coalesce(job_commitment_count not between 0 and 100000, true)
        or coalesce(registered_job_count not between 0 and 100000, true)
    )
) as rule (reason_code, column_name, found, is_broken)
where is_broken
