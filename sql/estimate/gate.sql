-- how far counts are from adding up, county to province to nation
-- grain:  one row
-- reads:  estimate.figure, reference.county
-- writes: nothing
with
figure as (
    select * from estimate.figure where year = :year and phase = :phase and cutoff = :cutoff
),
additive as (
    select figure.* from figure
    where figure.domain = 'all' and (figure.indicator like '%\_count' or figure.indicator = 'loan_paid_rial')
),
from_county as (
    select county.province_code, additive.indicator, additive.basis, sum(additive.estimate) as total
    from additive
    inner join reference.county as county on county.county_code = additive.unit_code
    where additive.level = 'county'
    group by county.province_code, additive.indicator, additive.basis
),
from_province as (
    select indicator, basis, sum(estimate) as total
    from additive
    where level = 'province'
    group by indicator, basis
),
province_gap as (
    select count(*) as gap_count from additive
    left join from_county
        on from_county.province_code = additive.unit_code
        and from_county.indicator = additive.indicator and from_county.basis = additive.basis
    where additive.level = 'province' and from_county.total is distinct from additive.estimate
),
nation_gap as (
    select count(*) as gap_count from additive
    left join from_province
        on from_province.indicator = additive.indicator and from_province.basis = additive.basis
    where additive.level = 'nation' and from_province.total is distinct from additive.estimate
)
select
    (select gap_count from province_gap) as province_gap_count,
    (select gap_count from nation_gap) as nation_gap_count,
    count(*) filter (
        where figure.indicator like '%\_rate' and (figure.estimate < 0 or figure.estimate > 1)
    ) as rate_outside_count,
    count(*) filter (
        where figure.denominator > 0 and figure.indicator like '%\_rate'
        and abs(figure.estimate - figure.numerator / figure.denominator) > 1e-12
    ) as rate_off_its_parts_count,
    count(*) filter (where figure.lower > figure.estimate or figure.upper < figure.estimate) as interval_off_count,
    count(*) as figure_count
from figure
