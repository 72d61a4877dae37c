-- the census counts of one delivery, as its suite judges them
-- grain:  one row per county and measure
-- reads:  staging.census_county
-- writes: nothing
select province_code, county_code, measure, person_count
from staging.census_county
where delivery_id = :delivery_id
