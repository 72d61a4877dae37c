-- the editions of a period, in the order of release
-- grain:  one row per edition
-- reads:  bulletin.edition
-- writes: nothing
select year, phase, cutoff, number, kind, released_on, supersedes, reasons, guideline
from bulletin.edition
where year = :year and phase = :phase
order by number
