-- the refused plans with the evidence of their visit
-- grain:  one row per refused plan
-- reads:  inspection.verdict
-- writes: nothing
select
    plan_id, agency_code, province_code, county_code, verdict, visit_id, visited_on, loan_use, is_running,
    has_rule_breach, jobs_found_count, registered_job_count, loan_paid_rial
from inspection.verdict
where year = :year and phase = :phase and cutoff = :cutoff and is_decided and not is_confirmed
order by plan_id
