-- quality of what each agency delivered, as an edition prints it
-- grain:  one row per agency and dimension; all its forms in force at the cut-off together
-- reads:  reference.source, staging.delivery_in_force, staging.delivery_quality
-- writes: nothing
with
form as (
    select distinct form from reference.source
),
delivery as (
    select in_force.source_code, in_force.delivery_id
    from form
    cross join lateral (
        select source_code, delivery_id
        from staging.delivery_in_force(:year, :phase, form.form, cast(:cutoff as date))
    ) as in_force
),
agency as (
    select distinct source.agency_code
    from reference.source as source
    inner join delivery on delivery.source_code = source.source_code
    where source.form = 'loan_plan'
)
select
    source.agency_code, quality.dimension, sum(quality.numerator) as numerator, sum(quality.denominator) as denominator,
    sum(quality.numerator)::double precision / nullif(sum(quality.denominator), 0) as share
from delivery
inner join reference.source as source on source.source_code = delivery.source_code
inner join agency on agency.agency_code = source.agency_code
inner join staging.delivery_quality as quality on quality.delivery_id = delivery.delivery_id
group by source.agency_code, quality.dimension
order by source.agency_code, quality.dimension
