-- bulletin.printed_figure
-- grain:  one row per figure of the edition
-- reads:  estimate.figure
-- writes: bulletin.printed_figure (freeze)
select
    year, phase, cutoff, indicator, basis, level, unit_code, domain, weight, numerator, denominator,
    exclusions, n, estimate,
    standard_error, lower, upper, quality, method, guideline
from estimate.figure
where year = :year and phase = :phase and cutoff = :cutoff
