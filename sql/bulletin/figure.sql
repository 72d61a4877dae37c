-- figures of a unit in every domain, and of its parts and the nation as a whole, as an edition prints them
-- grain:  one row per figure
-- reads:  bulletin.printed_figure, bulletin.revision, reference.county
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
