-- the version of the guideline that a sample was issued under
-- grain:  one row per version; one, unless a row was altered
-- reads:  sample.issued_plan
-- writes: nothing
select distinct guideline
from sample.issued_plan
where year = :year and phase = :phase
order by guideline
