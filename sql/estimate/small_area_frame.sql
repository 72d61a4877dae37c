-- what is known of a county without a visit: its plans in the frame, its people in the census
-- grain:  one row per county of the frame
-- reads:  frame.eligible_plan, reference.county
-- writes: nothing
with
plan as (
    select county_code, province_code, plan_kind, loan_paid_rial, registered_job_count
    from frame.eligible_plan
    where year = :year and phase = :phase
)
select
    plan.county_code, plan.province_code, count(*) as eligible_plan_count,
    count(*) filter (where plan.plan_kind = 'self_employment') as self_employment_plan_count,
    sum(plan.loan_paid_rial)::bigint as loan_paid_rial, sum(plan.registered_job_count) as registered_job_count,
    max(county.population_count) as population_count, max(county.active_person_count) as active_person_count,
    max(county.unemployed_person_count) as unemployed_person_count
from plan
left join reference.county as county on county.county_code = plan.county_code
group by plan.county_code, plan.province_code
order by plan.county_code
