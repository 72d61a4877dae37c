-- what an edition says otherwise than the one before
-- grain:  one row per figure that changed
-- reads:  bulletin.revision
-- writes: nothing
select
    indicator, basis, level, unit_code, domain, before, after, change, relative_change, quality_before, quality_after
from bulletin.revision
where year = :year and phase = :phase and cutoff = :cutoff
order by level, unit_code, domain, indicator, basis
