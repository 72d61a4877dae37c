-- figures of a unit and its parts, as an edition prints them
-- grain:  one row per figure
-- reads:  bulletin.printed_figure, reference.county
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, weight, numerator, denominator, exclusions, n, estimate,
    standard_error, lower, upper, quality, method, guideline
from bulletin.printed_figure
where
    year = :year and phase = :phase and cutoff = :cutoff
    and (
        unit_code = :unit_code
        or (cast(:unit_code as text) = 'IR' and level = 'province')
        or (level = 'county' and unit_code in (select county_code from reference.county where province_code = :unit_code))
    )
