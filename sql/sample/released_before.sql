-- the plans of a round that were released before the next one's seed was committed to
-- grain:  one row per released plan
-- reads:  sample.released_plan, sample.reserve_plan, sample.seed_commitment
-- writes: nothing
select released.plan_id, reserve.stratum_code
from sample.released_plan as released
inner join sample.reserve_plan as reserve
    on reserve.year = released.year and reserve.phase = released.phase and reserve.plan_id = released.plan_id
where
    released.year = :year and released.phase = :phase
    and released.released_on < (
        select next.committed_on from sample.seed_commitment as next
        where next.year = :year and next.phase = :next_phase
    )
order by released.plan_id
