-- the rates of counties as they were estimated, beside the size and weights of what they rest on
-- grain:  one row per county with an issued plan and rate
-- reads:  estimate.figure, inspection.verdict
-- writes: nothing
with
figure as (
    select indicator, unit_code, n, numerator, denominator, estimate, standard_error, lower, upper
    from estimate.figure
    where
        year = :year and phase = :phase and cutoff = :cutoff and basis = 'estimated' and level = 'county'
        and domain = 'all' and indicator in ('accuracy_rate', 'crude_confirmation_rate')
),
verdict as (
    select
        county_code, stratum_code, 1 / inclusion_probability as weight,
        case when is_decided then 1 else 0 end as decided, case when is_supervised then 1 else 0 end as supervised
    from inspection.verdict
    where year = :year and phase = :phase and cutoff = :cutoff
),
size as (
    select
        county_code, count(*) - count(distinct stratum_code) as degrees_of_freedom,
        power(sum(weight * decided), 2) / nullif(sum(weight * weight * decided), 0) as decided_n,
        power(sum(weight * supervised), 2) / nullif(sum(weight * weight * supervised), 0) as supervised_n
    from verdict
    group by county_code
)
select
    figure.indicator, figure.unit_code as county_code, figure.n, figure.numerator, figure.denominator,
    figure.estimate, figure.standard_error, figure.lower, figure.upper, size.degrees_of_freedom,
    case when figure.indicator = 'accuracy_rate' then size.decided_n else size.supervised_n end as weighted_n
from figure
inner join size on size.county_code = figure.unit_code
order by figure.indicator, figure.unit_code
