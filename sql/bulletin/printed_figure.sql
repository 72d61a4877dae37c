-- bulletin.printed_figure
-- grain:  one row per figure of the edition
-- reads:  estimate.figure, bulletin.cell
-- writes: bulletin.printed_figure (freeze)
with
-- Where an indicator is printed, and which variables its figures tell there: their two sides, and their plans.
told as (
    select told.indicator, told.level, told.is_whole, told.variable
    from unnest(
        cast(:indicators as text[]), cast(:levels as text[]), cast(:is_whole as boolean[]), cast(:variables as text[])
    ) as told (indicator, level, is_whole, variable)
),
printed as (
    select distinct indicator, level, is_whole from told
),
withheld as (
    select cell.level, cell.unit_code, cell.domain, cell.variable
    from bulletin.cell
    where cell.year = :year and cell.phase = :phase and cell.cutoff = :cutoff and cell.is_withheld
),
suppressed as (
    select distinct told.indicator, withheld.level, withheld.unit_code, withheld.domain
    from withheld
    inner join told
        on
            told.variable = withheld.variable and told.level = withheld.level
            and told.is_whole = (withheld.domain = 'all')
),
unsaid as (
    select level, unit_code, domain, jsonb_object_agg(variable, null) as reasons
    from withheld
    group by level, unit_code, domain
)
select
    figure.year, figure.phase, figure.cutoff, figure.indicator, figure.basis, figure.level, figure.unit_code,
    figure.domain, figure.weight, figure.numerator, figure.denominator,
    case
        when unsaid.reasons is null then figure.exclusions
        else (
            select coalesce(jsonb_object_agg(key, case when unsaid.reasons ? key then 'null' else value end), '{}')
            from jsonb_each(figure.exclusions)
        )
    end as exclusions,
    figure.n, figure.estimate, figure.standard_error, figure.lower, figure.upper, figure.quality, figure.method,
    figure.guideline, suppressed.indicator is not null as is_suppressed
from estimate.figure as figure
inner join printed
    on
        printed.indicator = figure.indicator and printed.level = figure.level
        and printed.is_whole = (figure.domain = 'all')
left join suppressed
    on
        suppressed.indicator = figure.indicator and suppressed.level = figure.level
        and suppressed.unit_code = figure.unit_code and suppressed.domain = figure.domain
left join unsaid
    on unsaid.level = figure.level and unsaid.unit_code = figure.unit_code and unsaid.domain = figure.domain
where figure.year = :year and figure.phase = :phase and figure.cutoff = :cutoff
