-- what an edition prints, to hold another edition against it
-- grain:  one row per figure
-- reads:  bulletin.printed_figure
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, case when not is_suppressed then estimate end as estimate,
    case when is_suppressed then 'confidential' else quality end as quality, guideline
from bulletin.printed_figure
where year = :year and phase = :phase and cutoff = :cutoff
