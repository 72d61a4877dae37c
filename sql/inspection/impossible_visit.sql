-- inspection.impossible_visit
-- grain:  one row per visit and reason
-- reads:  inspection.verdict, staging.accepted_delivery
-- writes: inspection.impossible_visit (replace per cut-off)
with
verdict as (
    select * from inspection.verdict where year = :year and phase = :phase and cutoff = :cutoff
),
received as (
    select max(received_on) as last_on from staging.accepted_delivery
    where year = :year and phase = :phase and form = 'visit'
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:cutoff as date) as cutoff,
    verdict.visit_id, verdict.plan_id, rule.reason_code
from verdict
cross join received
cross join lateral (
    values
    ('visited_after_received', verdict.visited_on > received.last_on),
    ('jobs_found_without_running', not verdict.is_running and verdict.jobs_found_count > 0)
) as rule (reason_code, is_broken)
where verdict.visit_id is not null and rule.is_broken
