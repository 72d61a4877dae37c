-- measures of the frame
-- grain:  one row
-- reads:  frame.eligible_plan, frame.excluded_plan, frame.linked_pair, frame.coverage, frame.desk_verification, staging.delivery_in_force, staging.linkage_review, reference.county
-- writes: nothing
-- sqlfluff:rules:layout.long_lines:ignore_comment_lines:true
with
plan as (
    select * from frame.eligible_plan where year = :year and phase = :phase
),
source as (
    select source_code
    from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity')
    where source_code <> all(cast(:without as text[]))
),
pair as (
    select * from frame.linked_pair where year = :year and phase = :phase
),
coverage as (
    select
        count(*) filter (
            where county_code = 'all' and least(plan_share, loan_share) < cast(:least_coverage_share as numeric)
        ) as agency_below_least_coverage_count,
        count(*) filter (
            where county_code = 'all' and (
                least(plan_share, loan_share) < cast(:weak_coverage_share as numeric)
                or greatest(plan_share, loan_share) > cast(:most_coverage_share as numeric)
            )
        ) as agency_weak_coverage_count,
        count(*) filter (
            where county_code <> 'all' and (
                plan_share < cast(:weak_coverage_share as numeric) or plan_share > cast(:most_coverage_share as numeric)
            )
        ) as county_weak_coverage_count,
        count(*) filter (where county_code = 'all' and declared_plan_count is null) as agency_without_total_count
    from frame.coverage
    where year = :year and phase = :phase
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
    )::double precision / greatest(count(*), 1) as overlap_share,
    count(*) filter (where plan.national_id is null)::double precision / greatest(count(*), 1) as without_id_share,
    (select count(*) from pair where decision = 'review') as pair_in_review_count,
    greatest((select count(*) from pair where decision = 'review') - cast(:most_pairs_in_review as integer), 0)
    as pair_in_review_excess_count,
    (select count(*) from pair where decision = 'linked') as pair_linked_count,
    (
        select count(*)
        from staging.delivery_in_force(:year, :phase, 'linkage_review', 'infinity') as delivery
        inner join staging.linkage_review as review
            on review.year = :year and review.phase = :phase and review.delivery_id = delivery.delivery_id
        where
            review.decision is not null
            and not exists (
                select 1 from pair
                where
                    pair.plan_id_left = least(review.plan_id_left, review.plan_id_right)
                    and pair.plan_id_right = greatest(review.plan_id_left, review.plan_id_right)
            )
    ) as review_of_no_pair_count,
    count(*) - (
        select count(*) from frame.desk_verification where year = :year and phase = :phase
    ) as plan_without_desk_row_count,
    (select agency_below_least_coverage_count from coverage) as agency_below_least_coverage_count,
    (select agency_weak_coverage_count from coverage) as agency_weak_coverage_count,
    (select county_weak_coverage_count from coverage) as county_weak_coverage_count,
    (select agency_without_total_count from coverage) as agency_without_total_count
from plan
left join reference.county as county on county.county_code = plan.county_code
