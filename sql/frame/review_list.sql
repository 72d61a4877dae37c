-- pairs in doubt, plan beside plan, for the clerk
-- grain:  one row per pair
-- reads:  frame.linked_pair, staging.delivery_in_force, staging.loan_plan, reference.county, reference.province
-- writes: nothing
-- sqlfluff:rules:layout.long_lines:ignore_comment_lines:true
with
pair as (
    select plan_id_left, plan_id_right, match_probability
    from frame.linked_pair
    where year = :year and phase = :phase and decision = 'review'
),
plan as (
    select
        loan_plan.plan_id, loan_plan.agency_code, loan_plan.applicant_name, loan_plan.national_id,
        province.name_fa as province_name, county.name_fa as county_name, loan_plan.loan_approved_rial,
        loan_plan.loan_paid_rial, loan_plan.approved_on, loan_plan.paid_on, loan_plan.activity_code,
        loan_plan.plan_kind
    from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity') as delivery
    inner join staging.loan_plan as loan_plan
        on loan_plan.year = :year and loan_plan.phase = :phase and loan_plan.delivery_id = delivery.delivery_id
    inner join reference.county as county on county.county_code = loan_plan.county_code
    inner join reference.province as province on province.province_code = loan_plan.province_code
    where
        loan_plan.plan_id in (select plan_id_left from pair)
        or loan_plan.plan_id in (select plan_id_right from pair)
)
select
    pair.plan_id_left, pair.plan_id_right, pair.match_probability,
    first.agency_code as agency_code_left, second.agency_code as agency_code_right,
    first.applicant_name as applicant_name_left, second.applicant_name as applicant_name_right,
    first.national_id as national_id_left, second.national_id as national_id_right,
    first.province_name as province_name_left, second.province_name as province_name_right,
    first.county_name as county_name_left, second.county_name as county_name_right,
    first.loan_approved_rial as loan_approved_rial_left, second.loan_approved_rial as loan_approved_rial_right,
    first.loan_paid_rial as loan_paid_rial_left, second.loan_paid_rial as loan_paid_rial_right,
    first.approved_on as approved_on_left, second.approved_on as approved_on_right,
    first.paid_on as paid_on_left, second.paid_on as paid_on_right,
    first.activity_code as activity_code_left, second.activity_code as activity_code_right,
    first.plan_kind as plan_kind_left, second.plan_kind as plan_kind_right
from pair
inner join plan as first on first.plan_id = pair.plan_id_left
inner join plan as second on second.plan_id = pair.plan_id_right
order by pair.match_probability desc, pair.plan_id_left, pair.plan_id_right
