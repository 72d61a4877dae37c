-- staging.delivery_outcome
-- grain:  one row
-- reads:  landing.loan_plan, landing.firm, landing.visit, landing.census_county, staging.rejected_row
-- writes: staging.delivery_outcome (replace per delivery)
with
landed as (
    select row_number from landing.loan_plan where delivery_id = :delivery_id
    union all
    select row_number from landing.firm where delivery_id = :delivery_id
    union all
    select row_number from landing.visit where delivery_id = :delivery_id
    union all
    select row_number from landing.census_county where delivery_id = :delivery_id
)
select
    cast(:delivery_id as text) as delivery_id,
    'conformed' as status,
    (select count(*) from landed) as row_count,
    (
        select count(distinct row_number) from staging.rejected_row where delivery_id = :delivery_id
    ) as rejected_row_count,
    cast(:source_version as text) as source_version,
    cast(null as text) as refusal
