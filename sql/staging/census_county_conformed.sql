-- pg_temp.conformed_census_county
-- grain:  one row per delivered row of one delivery
-- reads:  landing.census_county, reference.county
-- writes: a temporary table, dropped with the transaction
create temp table conformed_census_county on commit drop as
select
    census.row_number, census.row_fault, census.county, census.measure, census.person_count as person_text,
    county.county_code, county.province_code, county.is_in_1395,
    reference.whole_number(census.person_count) as person_count,
    row_number() over (partition by census.county, census.measure order by census.row_number) as occurrence
from landing.census_county as census
left join reference.county as county on county.county_code = reference.conform(census.county)
where census.delivery_id = :delivery_id
