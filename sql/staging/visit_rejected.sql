-- staging.rejected_row
-- grain:  one row per delivered row and reason it is given back for
-- reads:  conformed_visit
-- writes: staging.rejected_row (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    row_number, reason_code, column_name, found
from conformed_visit
cross join lateral (
    values
    ('row_width', 'row', row_fault, row_fault is not null),
    ('visit_id_invalid', 'visit_id', visit_id, coalesce(visit_id, '') = '' or occurrence > 1),
    ('date_impossible', 'visited_on', visited_text, visited_on is null),
    (
        'contact_outcome_unknown', 'contact_outcome', contact_key,
        coalesce(contact_outcome not in ('contacted', 'non_contact', 'refused', 'moved'), true)
    ),
    ('final_mark_unknown', 'is_final', final_code, coalesce(final_code not in ('0', '1'), true)),
    ('breach_mark_unknown', 'has_rule_breach', breach_code, breach_code not in ('0', '1')),
    (
        'loan_use_unknown', 'loan_use', use_key,
        contact_outcome = 'contacted' and final_code = '1'
        and coalesce(loan_use not in ('approved_purpose', 'other_purpose'), true)
    ),
    (
        'running_mark_unknown', 'is_running', running_code,
        contact_outcome = 'contacted' and final_code = '1' and coalesce(running_code not in ('0', '1'), true)
    ),
    (
        'job_count_invalid', 'jobs_found_count', jobs_text,
        contact_outcome = 'contacted' and final_code = '1'
        and coalesce(jobs_found_count not between 0 and 100000, true)
    )
) as rule (reason_code, column_name, found, is_broken)
where is_broken
