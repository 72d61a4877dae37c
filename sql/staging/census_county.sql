-- staging.census_county
-- grain:  one row per county and measure of one delivery
-- reads:  conformed_census_county, staging.rejected_row
-- writes: staging.census_county (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    province_code, county_code, measure, person_count
from conformed_census_county
where not exists (
    select 1 from staging.rejected_row
    where rejected_row.delivery_id = :delivery_id and rejected_row.row_number = conformed_census_county.row_number
)
