-- the visits of one delivery, as its suite judges them
-- grain:  one row per accepted visit
-- reads:  staging.visit
-- writes: nothing
select visit_id, plan_id, firm_code, inspector_code, visited_on, contact_outcome, loan_use, jobs_found_count
from staging.visit
where delivery_id = :delivery_id
