-- pg_temp.conformed_visit
-- grain:  one row per delivered row of one delivery
-- reads:  landing.visit, landing.code_map, reference.jalali_month
-- writes: a temporary table, dropped with the transaction
create temp table conformed_visit on commit drop as
with
delivered as materialized (
    select
        row_number, row_fault, visited_on as visited_text, jobs_found_count as jobs_text,
        reference.conform(visit_id) as visit_id,
        reference.conform(plan_id) as plan_id,
        upper(reference.conform(firm_code)) as firm_code,
        reference.conform(inspector_code) as inspector_code,
        reference.jalali_part(visited_on) as visited_part,
        reference.conform(contact_outcome) as contact_key,
        reference.conform(is_final) as final_key,
        reference.conform(has_rule_breach) as breach_key,
        reference.conform(loan_use) as use_key,
        reference.conform(is_running) as running_key,
        reference.whole_number(jobs_found_count) as jobs_found_count
    from landing.visit
    where delivery_id = :delivery_id
)
select
    case
        when delivered.visited_part[3] between 1 and month.day_count
            then month.starts_on + (delivered.visited_part[3] - 1)
    end as visited_on,
    delivered.row_number, delivered.row_fault, delivered.visit_id, delivered.plan_id, delivered.firm_code,
    delivered.inspector_code, delivered.visited_text, delivered.jobs_found_count,
    delivered.jobs_text, delivered.contact_key, delivered.use_key,
    coalesce(contact.code, delivered.contact_key) as contact_outcome,
    coalesce(final.code, delivered.final_key) as final_code,
    coalesce(breach.code, nullif(delivered.breach_key, ''), '0') as breach_code,
    coalesce(used.code, nullif(delivered.use_key, '')) as loan_use,
    coalesce(running.code, nullif(delivered.running_key, '')) as running_code,
    row_number() over (partition by delivered.visit_id order by delivered.row_number) as occurrence
from delivered
left join reference.jalali_month as month
    on month.year = delivered.visited_part[1] and month.month = delivered.visited_part[2]
left join landing.code_map as contact
    on contact.delivery_id = :delivery_id
    and contact.column_name = 'contact_outcome' and contact.delivered_key = delivered.contact_key
left join landing.code_map as final
    on final.delivery_id = :delivery_id
    and final.column_name = 'is_final' and final.delivered_key = delivered.final_key
left join landing.code_map as breach
    on breach.delivery_id = :delivery_id
    and breach.column_name = 'has_rule_breach' and breach.delivered_key = delivered.breach_key
left join landing.code_map as used
    on used.delivery_id = :delivery_id
    and used.column_name = 'loan_use' and used.delivered_key = delivered.use_key
left join landing.code_map as running
    on running.delivery_id = :delivery_id
    and running.column_name = 'is_running' and running.delivered_key = delivered.running_key
