-- figures of every agency, and of the nation beside them, as an edition prints them
-- grain:  one row per figure
-- reads:  bulletin.printed_figure, bulletin.revision
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, weight, numerator, denominator, exclusions, n, estimate,
    standard_error, lower, upper, quality, method, guideline, is_suppressed,
    exists(
        select 1 from bulletin.revision as revision
        where
            revision.year = printed.year and revision.phase = printed.phase and revision.cutoff = printed.cutoff
            and revision.indicator = printed.indicator and revision.basis = printed.basis
            and revision.level = printed.level and revision.unit_code = printed.unit_code
            and revision.domain = printed.domain
    ) as is_revised
from bulletin.printed_figure as printed
where
    year = :year and phase = :phase and cutoff = :cutoff
    and (
        (level = 'nation' and (domain = 'all' or domain like 'agency=%'))
        or (
            level = 'province' and domain like 'agency=%'
            and indicator in ('accuracy_rate', 'eligible_plan_count', 'supervised_plan_count')
        )
    )
