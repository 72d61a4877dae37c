-- the plans in reserve, and when those that were released went out
-- grain:  one row per plan in reserve
-- reads:  sample.reserve_plan, sample.released_plan
-- writes: nothing
select reserve.plan_id, reserve.stratum_code, reserve.release_order, released.released_on
from sample.reserve_plan as reserve
left join sample.released_plan as released
    on released.year = reserve.year and released.phase = reserve.phase and released.plan_id = reserve.plan_id
where reserve.year = :year and reserve.phase = :phase
order by reserve.stratum_code, reserve.release_order
