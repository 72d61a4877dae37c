-- where the plans of a county lie: the median of the points that are known
-- grain:  one row per county with a point
-- reads:  frame.eligible_plan
-- writes: nothing
select
    county_code,
    percentile_cont(0.5) within group (order by latitude) as latitude,
    percentile_cont(0.5) within group (order by longitude) as longitude
from frame.eligible_plan
where year = :year and phase = :phase and latitude is not null and longitude is not null
group by county_code
order by county_code
