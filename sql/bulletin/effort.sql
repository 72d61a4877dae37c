-- visits of each level of supervision, as an edition prints them
-- grain:  one row per level
-- reads:  inspection.progress
-- writes: nothing
select level, issued_plan_count, attempted_plan_count, visited_plan_count, decided_plan_count
from inspection.progress
where year = :year and phase = :phase and cutoff = :cutoff and unit_kind = 'nation'
order by array_position(array['county', 'provincial', 'national'], level)
