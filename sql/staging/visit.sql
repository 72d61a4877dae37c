-- staging.visit
-- grain:  one row per accepted visit of one delivery
-- reads:  conformed_visit, staging.rejected_row
-- writes: staging.visit (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    visit_id, plan_id, firm_code, inspector_code, visited_on, contact_outcome,
    final_code = '1' as is_final,
    breach_code = '1' as has_rule_breach,
    loan_use,
    running_code = '1' as is_running,
    jobs_found_count
from conformed_visit
where not exists (
    select 1 from staging.rejected_row
    where rejected_row.delivery_id = :delivery_id and rejected_row.row_number = conformed_visit.row_number
)
