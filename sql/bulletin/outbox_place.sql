-- names of those a bulletin is about, by the word its file begins with
-- grain:  one row per kind, unit_code
-- reads:  reference.province, reference.county, reference.source
-- writes: nothing
select 'province' as kind, province_code as unit_code, name_fa as unit_name
from reference.province
union all
select 'county' as kind, county_code as unit_code, name_fa as unit_name
from reference.county
union all
select 'agency' as kind, agency_code as unit_code, min(agency_name) as unit_name
from reference.source
where form = 'loan_plan'
group by agency_code
order by kind, unit_code
