-- coverage of the frame as people read it: agencies as a whole, then the counties farthest from their total
-- grain:  one row per agency, and per county of those shown
-- reads:  frame.coverage, reference.county
-- writes: nothing
with
ranked as (
    select
        coverage.*, county.name_fa as county_name,
        row_number() over (
            partition by coverage.county_code = 'all'
            order by abs(coverage.plan_share - 1) desc nulls last, coverage.agency_code, coverage.county_code
        ) as place
    from frame.coverage as coverage
    left join reference.county as county on county.county_code = coverage.county_code
    where coverage.year = :year and coverage.phase = :phase
)
select
    agency_code, county_code, county_name, declared_plan_count, delivered_plan_count, accepted_plan_count,
    eligible_plan_count, excluded_by_reason, plan_share, loan_share
from ranked
where county_code = 'all' or (place <= :county_count and plan_share is not null)
order by county_code <> 'all', case when county_code = 'all' then agency_code end, place
