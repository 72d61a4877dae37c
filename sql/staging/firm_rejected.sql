-- staging.rejected_row
-- grain:  one row per delivered row and reason it is given back for
-- reads:  conformed_firm
-- writes: staging.rejected_row (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    row_number, reason_code, column_name, found
from conformed_firm
cross join lateral (
    values
    ('row_width', 'row', row_fault, row_fault is not null),
    ('firm_code_invalid', 'firm_code', firm_code, coalesce(firm_code, '') = '' or occurrence > 1),
    ('province_unknown', 'province', province, province_code is null),
    ('capacity_invalid', 'capacity_count', capacity_text, coalesce(capacity_count not between 1 and 1000000, true))
) as rule (reason_code, column_name, found, is_broken)
where is_broken
