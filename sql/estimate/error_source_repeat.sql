-- every blind repeat that was drawn, with its verdict
-- grain:  one row per plan and level of the repeats
-- reads:  inspection.reinspection
-- writes: nothing
select plan_id, level, inclusion_probability, is_supervised, is_decided, is_confirmed, verdict
from inspection.reinspection
where year = :year and phase = :phase and cutoff = :cutoff
order by plan_id, level
