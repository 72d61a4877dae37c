-- measures of scorecards and quota scenarios
-- grain:  one row
-- reads:  frame.eligible_plan, decision.scorecard, decision.quota_scenario
-- writes: nothing
with
card as (
    select * from decision.scorecard where year = :year and phase = :phase and cutoff = :cutoff
),
quota as (
    select * from decision.quota_scenario where year = :year and phase = :phase and cutoff = :cutoff
)
select
    (
        select count(distinct agency_code) from frame.eligible_plan where year = :year and phase = :phase
    ) - (select count(*) from card) as agency_without_card_count,
    (select count(*) from card where rank_lower > rank_estimate or rank_upper < rank_estimate) as rank_outside_count,
    (select coalesce(sum(recommended_rial) - sum(current_rial), 0) from quota) as total_moved_rial,
    (
        select count(*) from quota
        -- Whole rials: a bound may be passed by the rounding of one rial.
        where abs(recommended_rial - current_rial)
        > ceil(current_rial * cast(:largest_change_share as numeric)) + 1
    ) as quota_outside_bounds_count
