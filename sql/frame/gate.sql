-- measures of the frame
-- grain:  one row
-- reads:  frame.eligible_plan, frame.excluded_plan, staging.delivery_in_force, reference.county
-- writes: nothing
with
plan as (
    select * from frame.eligible_plan where year = :year and phase = :phase
),
source as (
    select source_code
    from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity')
    where source_code <> all(cast(:without as text[]))
)
select
    count(*) as eligible_plan_count,
    count(*) filter (where coalesce(plan.stratum_code, '') = '') as plan_without_stratum_count,
    count(*) filter (where county.province_code is distinct from plan.province_code) as county_outside_province_count,
    count(distinct plan.province_code) as province_count,
    count(distinct plan.county_code) as county_count,
    (
        select count(*) from reference.county as every_county
        where every_county.is_in_1402
        and not exists (select 1 from plan as any_plan where any_plan.county_code = every_county.county_code)
    ) as county_without_plan_count,
    cast(:expected_source_count as integer) - (select count(*) from source) as source_missing_count,
    (
        select count(*) from frame.excluded_plan where year = :year and phase = :phase and reason_code = 'overlap'
    )::double precision / greatest(count(*), 1) as overlap_share
from plan
left join reference.county as county on county.county_code = plan.county_code
