-- every repeated visit beside the first
-- grain:  one row per plan and level of the repeats
-- reads:  inspection.reinspection
-- writes: nothing
select
    level, is_supervised, is_decided, is_confirmed, verdict, first_is_decided, first_is_confirmed, first_verdict
from inspection.reinspection
where year = :year and phase = :phase and cutoff = :cutoff
order by plan_id, level
