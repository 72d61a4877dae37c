-- what an edition says otherwise of a unit's rates than the one before
-- grain:  one row per rate
-- reads:  bulletin.revision
-- writes: nothing
select indicator, before, after
from bulletin.revision
where
    year = :year and phase = :phase and cutoff = :cutoff and unit_code = :unit_code and domain = 'all'
    and basis = 'estimated' and indicator in ('accuracy_rate', 'crude_confirmation_rate')
    and before is not null and after is not null
order by indicator
