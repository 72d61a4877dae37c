-- inspection.impossible_visit
-- grain:  one row per visit and reason
-- reads:  staging.delivery_in_force, staging.visit, sample.issued_plan
-- writes: inspection.impossible_visit (replace per cut-off)
with
delivery as (
    select delivery_id, received_on
    from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
visit as (
    select staging.visit.*, delivery.received_on
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    where staging.visit.year = :year and staging.visit.phase = :phase
),
issued as (
    select plan_id, firm_code from sample.issued_plan where year = :year and phase = :phase
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:cutoff as date) as cutoff,
    visit.visit_id, visit.plan_id, rule.reason_code
from visit
left join issued on issued.plan_id = visit.plan_id
cross join lateral (
    values
    ('plan_not_issued', issued.plan_id is null),
    ('wrong_inspector', issued.firm_code <> visit.firm_code),
    ('visited_after_received', visit.visited_on > visit.received_on),
    ('jobs_found_without_running', not visit.is_running and visit.jobs_found_count > 0)
) as rule (reason_code, is_broken)
where rule.is_broken
