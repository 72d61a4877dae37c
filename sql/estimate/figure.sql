-- figures as `payesh figures` prints them
-- grain:  one row per figure
-- reads:  estimate.figure, reference.province, reference.county
-- writes: nothing
with
newest as (
    select year, phase, max(cutoff) as cutoff from estimate.figure
    where year = :year and phase = :phase and cutoff <= coalesce(cast(:cutoff as date), 'infinity')
    group by year, phase
)
select
    figure.year, figure.phase, figure.cutoff, figure.indicator, figure.basis, figure.level, figure.unit_code,
    coalesce(county.name_fa, province.name_fa, 'کشور') as unit_name, figure.domain, figure.weight, figure.numerator,
    figure.denominator, figure.exclusions, figure.n, figure.estimate, figure.standard_error, figure.lower, figure.upper,
    figure.quality, figure.method, figure.guideline
from estimate.figure as figure
inner join newest
    on newest.year = figure.year and newest.phase = figure.phase and newest.cutoff = figure.cutoff
left join reference.county as county on figure.level = 'county' and county.county_code = figure.unit_code
left join reference.province as province on figure.level = 'province' and province.province_code = figure.unit_code
where
    (cast(:level as text) is null or figure.level = :level)
    and (cast(:unit as text) is null or figure.unit_code = :unit)
    and (cast(:indicator as text) is null or figure.indicator = :indicator)
order by
    array_position(array['nation', 'province', 'county'], figure.level),
    figure.unit_code, figure.indicator, figure.basis, figure.domain
