-- staging.delivery_quality
-- grain:  one row per dimension of one delivery
-- reads:  landing.delivery, staging.delivery_outcome, staging.rejected_row, staging.contradiction, staging.contradiction_rule
-- writes: staging.delivery_quality (replace per delivery)
with
delivery as (
    select delivery.*, outcome.status, outcome.row_count, outcome.rejected_row_count
    from landing.delivery as delivery
    inner join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
    where delivery.delivery_id = :delivery_id
),
rejected as (
    select
        count(*) filter (
            where reason_code = 'missing' and column_name = any(cast(:required_columns as text[]))
        ) as missing_cell_count,
        count(distinct row_number) filter (where reason_code = 'repeated') as repeated_row_count
    from staging.rejected_row
    where delivery_id = :delivery_id and reason_code in ('missing', 'repeated')
),
contradicted as (
    select count(distinct row_number) as row_count
    from staging.contradiction
    where delivery_id = :delivery_id
),
-- Rules are held against what is in force, so a refused or replaced delivery is not judged by them.
judged as (
    select delivery.row_count - delivery.rejected_row_count as row_count
    from delivery
    where
        delivery.status = 'accepted'
        and exists (select 1 from staging.contradiction_rule as rule where rule.form = delivery.form)
        and not exists (
            select 1
            from landing.delivery as newer
            inner join staging.delivery_outcome as outcome on outcome.delivery_id = newer.delivery_id
            where
                outcome.status = 'accepted' and newer.source_code = delivery.source_code
                and newer.year = delivery.year and newer.phase = delivery.phase and newer.version > delivery.version
        )
),
measured as (
    select measure.dimension, measure.numerator, measure.denominator
    from delivery
    cross join rejected
    cross join contradicted
    left join judged on true
    cross join lateral (
        values
        (
            'completeness',
            delivery.row_count * cardinality(cast(:required_columns as text[])) - rejected.missing_cell_count,
            delivery.row_count * cardinality(cast(:required_columns as text[]))
        ),
        ('uniqueness', delivery.row_count - rejected.repeated_row_count, delivery.row_count),
        ('validity', delivery.row_count - delivery.rejected_row_count, delivery.row_count),
        (
            'timeliness',
            case when cast(:days_late as integer) <= 0 then 1 else 0 end,
            case when cast(:days_late as integer) is null then 0 else 1 end
        ),
        (
            'consistency',
            coalesce(judged.row_count - contradicted.row_count, 0),
            coalesce(judged.row_count, 0)
        )
    ) as measure (dimension, numerator, denominator)
)
select
    delivery.year, delivery.phase, delivery.source_code, delivery.delivery_id,
    measured.dimension, measured.numerator, measured.denominator,
    measured.numerator::double precision / nullif(measured.denominator, 0) as share
from delivery
cross join measured
