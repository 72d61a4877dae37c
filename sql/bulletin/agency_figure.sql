-- figures of every agency, and of the nation beside them, as an edition prints them
-- grain:  one row per figure
-- reads:  bulletin.figure_in_print
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, weight, numerator, denominator, exclusions, n, estimate,
    standard_error, lower, upper, quality, method, guideline, is_suppressed, is_revised
from bulletin.figure_in_print
where
    year = :year and phase = :phase and cutoff = :cutoff
    and (
        (level = 'nation' and (domain = 'all' or domain like 'agency=%'))
        or (
            level = 'province' and domain like 'agency=%'
            and indicator in ('accuracy_rate', 'eligible_plan_count', 'supervised_plan_count')
        )
    )
