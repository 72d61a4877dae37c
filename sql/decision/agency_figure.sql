-- what the scorecards rest on
-- grain:  one row per agency
-- reads:  estimate.figure
-- writes: nothing
with
figure as (
    select *, replace(domain, 'agency=', '') as agency_code
    from estimate.figure
    where
        year = :year and phase = :phase and cutoff = :cutoff and level = 'nation' and domain like 'agency=%'
)
select
    rate.agency_code, rate.n, rate.estimate, rate.standard_error, rate.lower, rate.upper,
    confirmed.estimate::integer as confirmed_plan_count, decided.estimate::integer as decided_plan_count
from figure as rate
inner join figure as confirmed
    on confirmed.agency_code = rate.agency_code
    and confirmed.indicator = 'confirmed_plan_count' and confirmed.basis = 'counted'
inner join figure as decided
    on decided.agency_code = rate.agency_code
    and decided.indicator = 'decided_plan_count' and decided.basis = 'counted'
where rate.indicator = 'accuracy_rate' and rate.basis = 'estimated' and rate.estimate is not null
order by rate.agency_code
