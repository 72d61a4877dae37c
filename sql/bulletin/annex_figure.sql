-- every figure of an edition, or of the nation or a province with its parts, for annexes and open data
-- grain:  one row per figure
-- reads:  bulletin.figure_in_print, reference.county
-- writes: nothing
select
    printed.year, printed.phase, printed.cutoff, printed.indicator, printed.basis, printed.level, printed.unit_code,
    printed.domain, printed.weight, printed.numerator, printed.denominator,
    -- Most figures leave out the same: as text, each is read once.
    cast(printed.exclusions as text) as exclusions,
    printed.n, printed.estimate, printed.standard_error, printed.lower, printed.upper, printed.quality,
    printed.method, printed.guideline, printed.is_suppressed, printed.is_revised
from bulletin.figure_in_print as printed
where printed.year = :year and printed.phase = :phase and printed.cutoff = :cutoff
    and (
        cast(:unit_code as text) is null
        or printed.unit_code = :unit_code
        or (:unit_code = 'IR' and printed.level = 'province')
        or printed.unit_code in (select county_code from reference.county where province_code = :unit_code)
    )
