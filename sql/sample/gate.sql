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
    select
        stratum_code, count(*) as plan_count, sum(1 / inclusion_probability) as weight_sum,
        min(inclusion_probability) = max(inclusion_probability) as has_one_probability
    from drawn
    group by stratum_code
),
allocated_county as (
    select
        county_code, sum(eligible_plan_count) as eligible_plan_count, sum(sample_plan_count) as sample_plan_count
    from allocation
    group by county_code
)
select
    -- By precision, the allocation itself says how many.
    (select count(*) from drawn)
    - coalesce(cast(:issued_plan_count as integer), (select sum(sample_plan_count) from allocation)) as size_difference,
    (select count(*) from drawn where not inclusion_probability > 0 or inclusion_probability > 1)
    as probability_outside_count,
    (
        select count(*) from allocated_county
        full join frame_size on frame_size.county_code = allocated_county.county_code
        where allocated_county.eligible_plan_count is distinct from frame_size.plan_count
    ) + (
        select count(*) from allocation
        left join drawn_size on drawn_size.stratum_code = allocation.stratum_code
        where allocation.sample_plan_count <> coalesce(drawn_size.plan_count, 0)
    ) as size_difference_count,
    (
        select count(*) from allocated_county
        where sample_plan_count < least(cast(:minimum_plans_per_county as integer), eligible_plan_count)
    ) as county_below_minimum_count,
    -- Where probabilities follow sizes, weights add up to the frame on the average of draws only.
    (
        select coalesce(max(abs(drawn_size.weight_sum - allocation.eligible_plan_count)), 0) from drawn_size
        inner join allocation on allocation.stratum_code = drawn_size.stratum_code
        where drawn_size.has_one_probability and drawn_size.plan_count > 1
    ) as weight_difference,
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
