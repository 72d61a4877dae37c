-- where inspectors and firms were in the year before
-- grain:  one row per inspector, firm, county and agency
-- reads:  staging.delivery_in_force, staging.visit, sample.issued_at
-- writes: nothing
with
delivery as (
    select 1 as phase, delivery_id
    from staging.delivery_in_force(cast(:year as integer) - 1, 1, 'visit', 'infinity')
    union all
    select 2 as phase, delivery_id
    from staging.delivery_in_force(cast(:year as integer) - 1, 2, 'visit', 'infinity')
),
issued as (
    select 1 as phase, plan_id, county_code, agency_code
    from sample.issued_at(cast(:year as integer) - 1, 1, 'infinity')
    union all
    select 2 as phase, plan_id, county_code, agency_code
    from sample.issued_at(cast(:year as integer) - 1, 2, 'infinity')
)
select distinct visit.inspector_code, visit.firm_code, issued.county_code, issued.agency_code
from staging.visit as visit
inner join delivery on delivery.phase = visit.phase and delivery.delivery_id = visit.delivery_id
inner join issued on issued.phase = visit.phase and issued.plan_id = visit.plan_id
where visit.year = cast(:year as integer) - 1
order by visit.inspector_code, visit.firm_code, issued.county_code, issued.agency_code
