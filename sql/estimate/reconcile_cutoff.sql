-- the newest verdicts of a round up to a day
-- grain:  one row; null where there are none
-- reads:  inspection.verdict
-- writes: nothing
select max(cutoff) as cutoff
from inspection.verdict
where year = :year and phase = :phase and cutoff <= coalesce(cast(:cutoff as date), 'infinity')
