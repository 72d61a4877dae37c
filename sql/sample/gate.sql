-- measures of the draw, before it is issued
-- grain:  one row
-- reads:  sample.drawn_plan, sample.allocation, sample.assignment, sample.unassigned_plan, frame.eligible_plan
-- writes: nothing
with
drawn as (
    select * from sample.drawn_plan where year = :year and phase = :phase
),
assignment as (
    select * from sample.assignment where year = :year and phase = :phase and level = 'county'
),
listed as (
    select plan_id from sample.unassigned_plan where year = :year and phase = :phase and level = 'county'
),
allocation as (
    select * from sample.allocation where year = :year and phase = :phase
),
frame_size as (
    select county_code, count(*) as plan_count from frame.eligible_plan
    where year = :year and phase = :phase
    group by county_code
),
drawn_size as (
    select county_code, count(*) as plan_count from drawn group by county_code
)
select
    (select count(*) from drawn) - cast(:issued_plan_count as integer) as size_difference,
    (select count(*) from drawn where not inclusion_probability > 0 or inclusion_probability > 1)
    as probability_outside_count,
    (
        select count(*) from allocation
        inner join frame_size on frame_size.county_code = allocation.county_code
        left join drawn_size on drawn_size.county_code = allocation.county_code
        where allocation.eligible_plan_count <> frame_size.plan_count
        or allocation.sample_plan_count <> coalesce(drawn_size.plan_count, 0)
    ) as county_size_difference_count,
    (
        select count(*) from allocation
        where sample_plan_count < least(cast(:minimum_plans_per_county as integer), eligible_plan_count)
    ) as county_below_minimum_count,
    (select abs(sum(1 / inclusion_probability) - (select sum(plan_count) from frame_size)) from drawn)
    as weight_difference,
    (
        select count(*) from drawn
        where not exists (select 1 from assignment where assignment.plan_id = drawn.plan_id)
        and not exists (select 1 from listed where listed.plan_id = drawn.plan_id)
    ) as plan_without_firm_count,
    (
        select count(*) from assignment
        inner join frame.eligible_plan as plan
            on plan.year = :year and plan.phase = :phase and plan.plan_id = assignment.plan_id
        where plan.advising_firm_code = assignment.firm_code
    ) as own_plan_count,
    coalesce((select max(load.plan_count) from (select count(*) as plan_count from assignment group by firm_code) as load), 0)
    as largest_workload
