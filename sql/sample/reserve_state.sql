-- what stands in reserve by stratum, and how far the list is there
-- grain:  one row per stratum with a reserve
-- reads:  sample.reserve_plan, sample.issued_at, staging.delivery_in_force, staging.visit
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', 'infinity')
),
contacted as (
    select distinct visit.plan_id
    from staging.visit as visit
    inner join delivery on delivery.delivery_id = visit.delivery_id
    where
        visit.year = :year and visit.phase = :phase and visit.level = 'county' and visit.contact_outcome = 'contacted'
),
listed as (
    select
        issued.stratum_code, issued.province_code, issued.stratum_population_count as eligible_plan_count,
        count(*) as listed_plan_count, count(contacted.plan_id) as visited_plan_count,
        count(*) filter (where issued.is_released) as released_plan_count
    from sample.issued_at(:year, :phase, 'infinity') as issued
    left join contacted on contacted.plan_id = issued.plan_id
    group by issued.stratum_code, issued.province_code, issued.stratum_population_count
),
reserve as (
    select stratum_code, count(*) as reserve_plan_count
    from sample.reserve_plan
    where year = :year and phase = :phase
    group by stratum_code
)
select
    listed.stratum_code, listed.province_code, listed.eligible_plan_count, listed.listed_plan_count,
    listed.visited_plan_count, reserve.reserve_plan_count, listed.released_plan_count
from reserve
inner join listed on listed.stratum_code = reserve.stratum_code
order by listed.stratum_code
