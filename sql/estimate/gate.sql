-- how far counts are from adding up, county to province to nation, and figures that cannot be
-- grain:  one row
-- reads:  estimate.figure, estimate.small_area, reference.indicator, reference.county
-- writes: nothing
with
figure as (
    select figure.*, indicator.kind
    from estimate.figure
    inner join reference.indicator as indicator on indicator.indicator = figure.indicator
    where figure.year = :year and figure.phase = :phase and figure.cutoff = :cutoff
),
additive as (
    select * from figure where kind in ('count', 'total')
),
from_county as (
    select
        county.province_code, additive.indicator, additive.basis, additive.domain, sum(additive.estimate) as total
    from additive
    inner join reference.county as county on county.county_code = additive.unit_code
    where additive.level = 'county'
    group by county.province_code, additive.indicator, additive.basis, additive.domain
),
from_province as (
    select indicator, basis, domain, sum(estimate) as total
    from additive
    where level = 'province'
    group by indicator, basis, domain
),
province_gap as (
    -- A domain may stand without its counties; then there is nothing to add.
    select count(*) as gap_count from additive
    inner join (select distinct domain from from_county) as added on added.domain = additive.domain
    left join from_county
        on from_county.province_code = additive.unit_code and from_county.domain = additive.domain
        and from_county.indicator = additive.indicator and from_county.basis = additive.basis
    where additive.level = 'province' and from_county.total is distinct from additive.estimate
),
nation_gap as (
    select count(*) as gap_count from additive
    left join from_province
        on from_province.indicator = additive.indicator and from_province.basis = additive.basis
        and from_province.domain = additive.domain
    where additive.level = 'nation' and from_province.total is distinct from additive.estimate
),
from_domain as (
    select
        indicator, level, unit_code, split_part(domain, '=', 1) as dimension, sum(estimate) as total
    from additive
    where basis = 'counted' and domain <> 'all'
    group by indicator, level, unit_code, split_part(domain, '=', 1)
),
modelled as (
    select
        indicator, province_code, sum(benchmarked * denominator) / sum(denominator) as rate,
        bool_and(benchmarked is not null) as is_whole
    from estimate.small_area
    where year = :year and phase = :phase and cutoff = :cutoff and denominator > 0
    group by indicator, province_code
)
select
    (select gap_count from province_gap) as province_gap_count,
    (select gap_count from nation_gap) as nation_gap_count,
    (
        select count(*) from from_domain
        inner join additive as whole
            on whole.indicator = from_domain.indicator and whole.level = from_domain.level
            and whole.unit_code = from_domain.unit_code and whole.domain = 'all' and whole.basis = 'counted'
        where whole.estimate <> from_domain.total
    ) as domain_gap_count,
    (
        select coalesce(max(abs(modelled.rate - figure.estimate)), 0)
        from modelled
        inner join figure
            on figure.indicator = modelled.indicator and figure.unit_code = modelled.province_code
            and figure.level = 'province' and figure.basis = 'estimated' and figure.domain = 'all'
        where modelled.is_whole
    ) as largest_benchmark_gap,
    count(*) filter (
        where kind = 'proportion' and (estimate < 0 or estimate > 1)
    ) as rate_outside_count,
    count(*) filter (
        where denominator > 0 and kind in ('proportion', 'ratio')
        and abs(estimate - numerator / denominator) > 1e-12 * greatest(abs(estimate), 1)
    ) as rate_off_its_parts_count,
    count(*) filter (where lower > estimate or upper < estimate) as interval_off_count,
    count(*) as figure_count
from figure
