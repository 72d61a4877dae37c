-- every issued plan with its verdict
-- grain:  one row per issued plan
-- reads:  inspection.verdict
-- writes: nothing
select
    plan_id, province_code, county_code, agency_code, stratum_code, stratum_population_count,
    stratum_sample_count, inclusion_probability, is_supervised, is_decided, is_confirmed, verdict, loan_paid_rial, realised_job_count
from inspection.verdict
where year = :year and phase = :phase and cutoff = :cutoff
order by plan_id
