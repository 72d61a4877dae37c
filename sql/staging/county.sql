-- the counties with every spelling and the lists they stand in, to read delivered names and codes by
-- grain:  one row per county
-- reads:  reference.county
-- writes: nothing
select county_code, province_code, name_fa, alt_names, is_in_1395, is_in_1399, is_in_1402
from reference.county
order by county_code
