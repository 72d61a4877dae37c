-- measures of an edition before it is printed
-- grain:  one row
-- reads:  estimate.figure
-- writes: nothing
with
figure as (
    select * from estimate.figure where year = :year and phase = :phase and cutoff = :cutoff
),
national as (
    select indicator, estimate from figure
    where level = 'nation' and domain = 'all' and basis = 'counted'
)
select
    (select count(distinct unit_code) from figure where level = 'province') as province_count,
    (
        select coalesce(sum(case when indicator = 'decided_plan_count' then estimate else -estimate end), 0)
        from national
        where indicator in (
            'decided_plan_count', 'confirmed_plan_count', 'deviation_plan_count', 'violation_plan_count',
            'discrepancy_plan_count'
        )
    ) as verdicts_off_decided_count,
    (
        select count(*) from figure
        where level in ('nation', 'province') and domain = 'all' and basis = 'counted'
        and indicator in ('deviation_plan_count', 'violation_plan_count', 'discrepancy_plan_count')
        and estimate > 0 and estimate < cast(:minimum_count as integer)
    ) as small_count_count,
    (select count(*) from figure where quality = 'withheld') as withheld_count
