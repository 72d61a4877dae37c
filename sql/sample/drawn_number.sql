-- the drawn plans of a round with their random numbers
-- grain:  one row per drawn plan
-- reads:  sample.drawn_plan
-- writes: nothing
select stratum_code, random_number
from sample.drawn_plan
where year = :year and phase = :phase
order by stratum_code, random_number
