-- the plans of a round that were released before the next one's seed was committed to
-- grain:  one row per released plan
-- reads:  sample.released_plan, sample.seed_commitment
-- writes: nothing
select released.plan_id, released.stratum_code
from sample.released_plan as released
where
    released.year = :year and released.phase = :phase
    and released.released_on < (
        select next.committed_on from sample.seed_commitment as next
        where next.year = :year and next.phase = :next_phase
    )
order by released.plan_id
