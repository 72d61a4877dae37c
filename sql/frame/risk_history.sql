-- what inspections of earlier years found, by agency and county
-- grain:  one row per agency and county
-- reads:  inspection.verdict (earlier periods)
-- writes: nothing
with
verdict as (
    select * from inspection.verdict where year < :year and year >= :first_year
),
newest as (
    select year, phase, max(cutoff) as cutoff from verdict group by year, phase
)
select
    verdict.agency_code, verdict.county_code, count(*) as decided_plan_count,
    -- Sums of decimals do not depend on the order of rows.
    cast(sum(weight.plan_count) as double precision) as decided_weight,
    cast(coalesce(sum(weight.plan_count) filter (where not verdict.is_confirmed), 0) as double precision) as refused_weight
from verdict
inner join newest
    on newest.year = verdict.year and newest.phase = verdict.phase and newest.cutoff = verdict.cutoff
cross join lateral (
    values (round(cast(1 / verdict.inclusion_probability as numeric), 6))
) as weight (plan_count)
where verdict.is_decided
group by verdict.agency_code, verdict.county_code
order by verdict.agency_code, verdict.county_code
