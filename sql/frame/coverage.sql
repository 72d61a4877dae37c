-- frame.coverage
-- grain:  one row per agency, and per agency and county, that delivered plans or declared a total
-- reads:  staging.delivery_in_force, staging.delivery_outcome, staging.loan_plan, staging.agency_total, frame.excluded_plan, reference.source
-- writes: frame.coverage (replace)
-- sqlfluff:rules:layout.long_lines:ignore_comment_lines:true
with
delivery as (
    select delivery.delivery_id, source.agency_code, outcome.row_count
    from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity') as delivery
    inner join reference.source as source on source.source_code = delivery.source_code
    inner join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
    where delivery.source_code <> all(cast(:without as text[]))
),
plan as (
    select
        loan_plan.agency_code, loan_plan.county_code, excluded.reason_code,
        count(*) as plan_count, sum(loan_plan.loan_paid_rial) as loan_paid_rial
    from delivery
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = delivery.delivery_id
    left join frame.excluded_plan as excluded
        on excluded.year = :year and excluded.phase = :phase and excluded.plan_id = loan_plan.plan_id
    group by loan_plan.agency_code, loan_plan.county_code, excluded.reason_code
),
by_reason as (
    select
        agency_code, coalesce(county_code, 'all') as county_code, reason_code,
        sum(plan_count) as plan_count, sum(loan_paid_rial) as loan_paid_rial
    from plan
    group by grouping sets ((agency_code, county_code, reason_code), (agency_code, reason_code))
),
accepted as (
    select
        agency_code, county_code, sum(plan_count) as accepted_plan_count, sum(loan_paid_rial) as accepted_loan_paid_rial,
        coalesce(sum(plan_count) filter (where reason_code is null), 0) as eligible_plan_count,
        coalesce(
            jsonb_object_agg(reason_code, plan_count) filter (where reason_code is not null), '{}'
        ) as excluded_by_reason
    from by_reason
    group by agency_code, county_code
),
delivered as (
    select agency_code, 'all' as county_code, sum(row_count) as delivered_plan_count
    from delivery
    group by agency_code
),
stated as (
    select source.agency_code, agency_total.unit_code, agency_total.plan_count, agency_total.loan_paid_rial
    from staging.delivery_in_force(:year, :phase, 'agency_total', 'infinity') as total_delivery
    inner join reference.source as source on source.source_code = total_delivery.source_code
    inner join staging.agency_total as agency_total
        on agency_total.year = :year and agency_total.phase = :phase
        and agency_total.delivery_id = total_delivery.delivery_id
    -- Whoever was left out on purpose is not held against its total.
    where
        source.agency_code not in (
            select agency_code from reference.source where source_code = any(cast(:without as text[]))
        )
),
declared as (
    select agency_code, unit_code as county_code, plan_count, loan_paid_rial from stated
    union all
    -- An agency that declares its counties only has said its whole.
    select agency_code, 'all' as county_code, sum(plan_count) as plan_count, sum(loan_paid_rial) as loan_paid_rial
    from stated
    group by agency_code
    having bool_and(unit_code <> 'all')
),
unit as (
    select agency_code, county_code from accepted
    union
    select agency_code, county_code from declared
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, unit.agency_code, unit.county_code,
    declared.plan_count as declared_plan_count, declared.loan_paid_rial as declared_loan_paid_rial,
    delivered.delivered_plan_count,
    coalesce(accepted.accepted_plan_count, 0) as accepted_plan_count,
    coalesce(accepted.accepted_loan_paid_rial, 0) as accepted_loan_paid_rial,
    coalesce(accepted.eligible_plan_count, 0) as eligible_plan_count,
    coalesce(accepted.excluded_by_reason, '{}') as excluded_by_reason,
    -- A share of nothing declared is null: it cannot be judged.
    coalesce(accepted.accepted_plan_count, 0)::double precision / nullif(declared.plan_count, 0) as plan_share,
    coalesce(accepted.accepted_loan_paid_rial, 0)::double precision / nullif(declared.loan_paid_rial, 0) as loan_share
from unit
left join accepted on accepted.agency_code = unit.agency_code and accepted.county_code = unit.county_code
left join delivered on delivered.agency_code = unit.agency_code and delivered.county_code = unit.county_code
left join declared on declared.agency_code = unit.agency_code and declared.county_code = unit.county_code
