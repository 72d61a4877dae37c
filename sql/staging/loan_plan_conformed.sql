-- pg_temp.conformed_loan_plan
-- grain:  one row per delivered row of one delivery
-- reads:  landing.loan_plan, landing.code_map, reference.province, reference.county, reference.county_name, reference.jalali_month
-- writes: a temporary table, dropped with the transaction
create temp table conformed_loan_plan on commit drop as
with
-- Materialized: each cell is conformed once, however often it is named below.
delivered as materialized (
    select
        row_number, row_fault, province, county, approved_on as approved_text, paid_on as paid_text,
        loan_approved_rial as approved_rial_text, loan_paid_rial as paid_rial_text,
        reference.conform(plan_number) as plan_number,
        reference.conform(national_id) as national_id,
        btrim(applicant_name) as applicant_name,
        reference.conform(budget_note) as budget_note,
        upper(reference.conform(activity_code)) as activity_code,
        reference.conform(plan_kind) as plan_kind_key,
        nullif(upper(reference.conform(advising_firm_code)), '') as advising_firm_code,
        reference.name_key(province) as province_key,
        reference.name_key(county) as county_key,
        reference.jalali_part(approved_on) as approved_part,
        reference.jalali_part(paid_on) as paid_part,
        reference.whole_number(loan_approved_rial) as loan_approved,
        reference.whole_number(loan_paid_rial) as loan_paid,
        reference.whole_number(job_commitment_count) as job_commitment_count,
        reference.whole_number(registered_job_count) as registered_job_count
    from landing.loan_plan
    where delivery_id = :delivery_id
),
province_key as (
    select province_code, province_code as key from reference.province
    union
    select province_code, province_code::integer::text as key from reference.province
    union
    select province_code, name_key as key from reference.province
),
county_key as (
    select province_code, county_code, county_code as key from reference.county
    union
    select province_code, county_code, county_code::integer::text as key from reference.county
    union
    select province_code, county_code, name_key as key from reference.county_name
)
select
    delivered.row_number, delivered.row_fault, delivered.plan_number, delivered.national_id,
    delivered.applicant_name, delivered.budget_note, delivered.activity_code, delivered.advising_firm_code,
    delivered.province, delivered.county, delivered.approved_text, delivered.paid_text,
    delivered.approved_rial_text, delivered.paid_rial_text, delivered.plan_kind_key,
    delivered.job_commitment_count, delivered.registered_job_count,
    province_key.province_code,
    county_key.county_code,
    delivered.county_key in (select key from county_key) as is_county_somewhere,
    coalesce(kind.code, case
        when delivered.plan_kind_key in ('self_employment', 'enterprise') then delivered.plan_kind_key
    end) as plan_kind,
    case
        when delivered.approved_part[3] between 1 and approved_month.day_count
            then approved_month.starts_on + (delivered.approved_part[3] - 1)
    end as approved_on,
    case
        when delivered.paid_part[3] between 1 and paid_month.day_count
            then paid_month.starts_on + (delivered.paid_part[3] - 1)
    end as paid_on,
    delivered.loan_approved * cast(:loan_approved_unit_rial as numeric) as loan_approved_rial,
    delivered.loan_paid * cast(:loan_paid_unit_rial as numeric) as loan_paid_rial,
    row_number() over (partition by delivered.plan_number order by delivered.row_number) as occurrence
from delivered
left join province_key on province_key.key = delivered.province_key
left join county_key
    on county_key.province_code = province_key.province_code and county_key.key = delivered.county_key
left join landing.code_map as kind
    on kind.delivery_id = :delivery_id
    and kind.column_name = 'plan_kind' and kind.delivered_key = delivered.plan_kind_key
left join reference.jalali_month as approved_month
    on approved_month.year = delivered.approved_part[1] and approved_month.month = delivered.approved_part[2]
left join reference.jalali_month as paid_month
    on paid_month.year = delivered.paid_part[1] and paid_month.month = delivered.paid_part[2]
