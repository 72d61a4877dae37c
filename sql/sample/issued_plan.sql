-- sample.issued_plan
-- grain:  one row per plan handed out to an inspector
-- reads:  sample.drawn_plan, sample.assignment, frame.eligible_plan
-- writes: sample.issued_plan (freeze)
select
    drawn.year, drawn.phase, drawn.plan_id, frame.agency_code, drawn.province_code, drawn.county_code,
    drawn.stratum_code, drawn.stratum_population_count, drawn.stratum_sample_count, drawn.inclusion_probability,
    frame.plan_kind, frame.registered_job_count, frame.loan_paid_rial, assignment.firm_code,
    assignment.inspector_code, cast(:guideline as text) as guideline
from sample.drawn_plan as drawn
-- A plan that nobody could be given is issued too: its probability holds, and its place shows.
left join sample.assignment as assignment
    on assignment.year = drawn.year and assignment.phase = drawn.phase and assignment.plan_id = drawn.plan_id
    and assignment.level = 'county'
inner join frame.eligible_plan as frame
    on frame.year = drawn.year and frame.phase = drawn.phase and frame.plan_id = drawn.plan_id
where drawn.year = :year and drawn.phase = :phase
