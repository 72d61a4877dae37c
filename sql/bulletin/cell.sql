-- what the editions of a period up to a cut-off count, and what they withhold of it
-- grain:  one row per variable, unit and domain of an edition
-- reads:  bulletin.cell
-- writes: nothing
select
    cutoff, level, unit_code, domain, variable, value, contributor_count, largest, second, is_withheld, guideline
from bulletin.cell
where year = :year and phase = :phase and cutoff <= :cutoff
