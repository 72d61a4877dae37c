-- the precision a sample was drawn for
-- grain:  one row per province, and the nation
-- reads:  sample.expected_precision
-- writes: nothing
select level, unit_code, population_count, sample_count, planning_share, standard_error
from sample.expected_precision
where year = :year and phase = :phase
order by level, unit_code
