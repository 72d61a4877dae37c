-- figures of a unit in every domain, and of its parts and the nation as a whole, as an edition prints them
-- grain:  one row per figure
-- reads:  bulletin.figure_in_print, reference.county
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, weight, numerator, denominator, exclusions, n, estimate,
    standard_error, lower, upper, quality, method, guideline, is_suppressed, is_revised
from bulletin.figure_in_print
where
    year = :year and phase = :phase and cutoff = :cutoff
    and (
        unit_code = :unit_code
        or (
            domain = 'all'
            and (
                level = 'nation'
                or (cast(:unit_code as text) = 'IR' and level = 'province')
                or (
                    level = 'county'
                    and unit_code in (select county_code from reference.county where province_code = :unit_code)
                )
            )
        )
    )
