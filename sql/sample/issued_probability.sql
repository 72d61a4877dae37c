-- the issued plans with the probability they were drawn with
-- grain:  one row per issued plan
-- reads:  sample.issued_plan
-- writes: nothing
select plan_id, stratum_code, stratum_population_count, stratum_sample_count, inclusion_probability
from sample.issued_plan
where year = :year and phase = :phase
order by plan_id
