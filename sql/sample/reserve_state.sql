-- what stands in reserve by stratum, and how far the list is there
-- grain:  one row per stratum with a reserve
-- reads:  sample.reserve_plan, sample.released_plan, sample.allocation, sample.drawn_plan,
--         staging.delivery_in_force, staging.visit
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', 'infinity')
),
listed as (
    select drawn.plan_id, drawn.stratum_code from sample.drawn_plan as drawn
    where drawn.year = :year and drawn.phase = :phase
    union all
    select released.plan_id, released.stratum_code from sample.released_plan as released
    where released.year = :year and released.phase = :phase
),
contacted as (
    select distinct visit.plan_id
    from staging.visit as visit
    inner join delivery on delivery.delivery_id = visit.delivery_id
    where
        visit.year = :year and visit.phase = :phase and visit.level = 'county' and visit.contact_outcome = 'contacted'
),
done as (
    select listed.stratum_code, count(*) as listed_plan_count, count(contacted.plan_id) as visited_plan_count
    from listed
    left join contacted on contacted.plan_id = listed.plan_id
    group by listed.stratum_code
),
reserve as (
    select reserve.stratum_code, count(*) as reserve_plan_count, count(released.plan_id) as released_plan_count
    from sample.reserve_plan as reserve
    left join sample.released_plan as released
        on released.year = reserve.year and released.phase = reserve.phase and released.plan_id = reserve.plan_id
    where reserve.year = :year and reserve.phase = :phase
    group by reserve.stratum_code
)
select
    allocation.stratum_code, allocation.province_code, allocation.eligible_plan_count,
    done.listed_plan_count, done.visited_plan_count, reserve.reserve_plan_count,
    reserve.released_plan_count
from reserve
inner join sample.allocation as allocation
    on allocation.year = :year and allocation.phase = :phase and allocation.stratum_code = reserve.stratum_code
inner join done on done.stratum_code = reserve.stratum_code
order by allocation.stratum_code
