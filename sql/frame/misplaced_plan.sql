-- plans whose county lies in another province than they say, by what the counties of today are
-- grain:  one row per delivery, province said and county, with the number of its plans
-- reads:  candidate, reference.county, reference.province
-- writes: nothing
select
    candidate.delivery_id, candidate.province_code, said.name_fa as province_name, candidate.county_code,
    county.name_fa as county_name, county.province_code as wanted_province_code, wanted.name_fa as wanted_province_name,
    count(*) as plan_count
from candidate
left join reference.county as county on county.county_code = candidate.county_code
left join reference.province as said on said.province_code = candidate.province_code
left join reference.province as wanted on wanted.province_code = county.province_code
where county.province_code is distinct from candidate.province_code
group by
    candidate.delivery_id, candidate.province_code, said.name_fa, candidate.county_code, county.name_fa,
    county.province_code, wanted.name_fa
order by plan_count desc, candidate.delivery_id, candidate.county_code
