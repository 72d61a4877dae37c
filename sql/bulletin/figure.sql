-- figures as an edition prints them
-- grain:  one row per figure
-- reads:  bulletin.printed_figure
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, numerator, denominator, n, estimate, standard_error, lower, upper,
    quality, method, guideline
from bulletin.printed_figure
where year = :year and phase = :phase and cutoff = :cutoff
