-- staging.rejected_row
-- grain:  one row per delivered row and reason it is given back for
-- reads:  conformed_census_county
-- writes: staging.rejected_row (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    row_number, reason_code, column_name, found
from conformed_census_county
cross join lateral (
    values
    ('county_unknown', 'county', county, not coalesce(is_in_1395, false)),
    ('county_repeated', 'county', county, occurrence > 1),
    ('person_count_invalid', 'person_count', person_text, coalesce(person_count, -1) < 0)
) as rule (reason_code, column_name, found, is_broken)
where is_broken
