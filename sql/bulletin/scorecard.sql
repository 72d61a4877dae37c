-- scorecards and quotas as an edition prints them
-- grain:  one row per agency
-- reads:  decision.scorecard, decision.quota_scenario, reference.source
-- writes: nothing
select
    card.agency_code, source.agency_name, card.n, card.confirmed_plan_count, card.decided_plan_count, card.estimate,
    card.standard_error, card.lower, card.upper, card.rank_estimate, card.rank_lower, card.rank_upper,
    quota.current_rial, quota.recommended_rial, quota.change_share
from decision.scorecard as card
inner join decision.quota_scenario as quota
    on quota.year = card.year and quota.phase = card.phase and quota.cutoff = card.cutoff
    and quota.agency_code = card.agency_code
inner join (
    select distinct on (agency_code) agency_code, agency_name from reference.source
    where form = 'loan_plan'
    order by agency_code, source_code
) as source on source.agency_code = card.agency_code
where card.year = :year and card.phase = :phase and card.cutoff = :cutoff
order by card.rank_estimate, card.agency_code
