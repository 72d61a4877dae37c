-- how the rates of a unit changed against the newest round before
-- grain:  one row per rate
-- reads:  estimate.change
-- writes: nothing
select
    indicator, against_year, against_phase, before, after, change, lower, upper, direction, composition_part, rate_part
from estimate.change
where
    year = :year and phase = :phase and cutoff = :cutoff and unit_code = :unit_code and domain = 'all'
    and indicator in ('accuracy_rate', 'crude_confirmation_rate') and change is not null
    and (against_year, against_phase) = (
        select newest.against_year, newest.against_phase from estimate.change as newest
        where newest.year = :year and newest.phase = :phase and newest.cutoff = :cutoff
        order by newest.against_year desc, newest.against_phase desc
        limit 1
    )
order by indicator
