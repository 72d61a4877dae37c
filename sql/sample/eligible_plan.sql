-- the frame as the draw sees it
-- grain:  one row per eligible plan
-- reads:  frame.eligible_plan, frame.plan_risk
-- writes: nothing
select
    plan.plan_id, plan.province_code, plan.county_code, plan.agency_code, plan.plan_kind, plan.loan_paid_rial,
    risk.risk_score
from frame.eligible_plan as plan
left join frame.plan_risk as risk
    on risk.year = plan.year and risk.phase = plan.phase and risk.plan_id = plan.plan_id
where plan.year = :year and plan.phase = :phase
order by plan.plan_id
