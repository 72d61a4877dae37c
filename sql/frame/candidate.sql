-- pg_temp.candidate
-- grain:  one row per accepted plan of the deliveries in force, with what speaks against it
-- reads:  staging.delivery_in_force, staging.loan_plan, reference.jalali_month
-- writes: a temporary table, dropped with the transaction
create temp table candidate on commit drop as
with
delivery as (
    select delivery_id
    from staging.delivery_in_force(:year, :phase, 'loan_plan', 'infinity')
    where source_code <> all(cast(:without as text[]))
),
bounds as (
    select min(starts_on) as first_on, max(starts_on + day_count) as after_on
    from reference.jalali_month
    where year = :year
),
rule as materialized (
    select rule.rule_number, rule.reason_code, rule.column_name, rule.least, rule.most, rule.among
    from jsonb_to_recordset(cast(:rules as jsonb)) as rule (
        rule_number integer, reason_code text, column_name text, least numeric, most numeric, among text[]
    )
),
linked as (
    select linked.plan_id, linked.cluster_id
    from jsonb_to_recordset(cast(:clusters as jsonb)) as linked (plan_id text, cluster_id text)
),
plan as (
    select
        loan_plan.*,
        (
            select rule.reason_code
            from rule
            where
                case rule.column_name
                    when 'loan_paid_rial' then loan_plan.loan_paid_rial
                    when 'loan_approved_rial' then loan_plan.loan_approved_rial
                    when 'job_commitment_count' then loan_plan.job_commitment_count
                    when 'registered_job_count' then loan_plan.registered_job_count
                end not between coalesce(rule.least, '-infinity') and coalesce(rule.most, 'infinity')
                or case rule.column_name
                    when 'is_paid_in_year' then case
                        when loan_plan.paid_on >= bounds.first_on and loan_plan.paid_on < bounds.after_on then '1'
                        else '0'
                    end
                    when 'plan_kind' then loan_plan.plan_kind
                    when 'budget_note' then loan_plan.budget_note
                    when 'activity_code' then loan_plan.activity_code
                    when 'agency_code' then loan_plan.agency_code
                end <> all(rule.among)
            order by rule.rule_number
            limit 1
        ) as reason_code
    from staging.loan_plan as loan_plan
    inner join delivery on delivery.delivery_id = loan_plan.delivery_id
    cross join bounds
    where loan_plan.year = :year and loan_plan.phase = :phase
),
-- One person, one place, one sum under two agencies is one plan; nobody's plan is its own.
counted as (
    select
        plan.*,
        -- Two such plans of one agency are two: the first of each agency are one, the second of each, and so on.
        row_number() over (
            partition by agency_code, national_id, county_code, loan_paid_rial, reason_code is null
            order by approved_on, plan_id
        ) as number_in_agency
    from plan
),
same_plan as (
    select
        counted.*,
        first_value(plan_id) over (
            partition by
                national_id, case when national_id is null then plan_id end,
                county_code, loan_paid_rial, reason_code is null, number_in_agency
            order by approved_on, plan_id
        ) as same_plan_id
    from counted
),
clustered as (
    select same_plan.*, coalesce(linked.cluster_id, same_plan.same_plan_id) as cluster_id
    from same_plan
    left join linked on linked.plan_id = same_plan.same_plan_id
)
select
    clustered.*,
    -- The earlier approval keeps the plan, and the plan keeps the ID that any agency knew.
    first_value(plan_id) over (partition by cluster_id order by approved_on, plan_id) as kept_plan_id,
    max(national_id) over (partition by cluster_id) as known_national_id
from clustered
