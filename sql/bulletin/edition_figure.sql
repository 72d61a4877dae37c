-- what an edition prints, to hold another edition against it
-- grain:  one row per figure
-- reads:  bulletin.printed_figure
-- writes: nothing
select indicator, basis, level, unit_code, domain, estimate, quality, guideline
from bulletin.printed_figure
where year = :year and phase = :phase and cutoff = :cutoff
