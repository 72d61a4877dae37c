-- places with their names and tiles
-- grain:  one row per province or county
-- reads:  reference.province, reference.county
-- writes: nothing
select 'province' as level, province_code as unit_code, province_code, name_fa, tile_row, tile_column
from reference.province
union all
select 'county' as level, county_code as unit_code, province_code, name_fa, null as tile_row, null as tile_column
from reference.county
where is_in_1402
order by level, unit_code
