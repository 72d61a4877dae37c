-- staging.delivery_outcome
-- grain:  one row
-- reads:  staging.rejected_row
-- writes: staging.delivery_outcome (replace per delivery)
select
    cast(:delivery_id as text) as delivery_id,
    'conformed' as status,
    cast(:row_count as bigint) as row_count,
    (
        select count(distinct row_number) from staging.rejected_row where delivery_id = :delivery_id
    ) as rejected_row_count,
    cast(:source_version as text) as source_version,
    cast(null as text) as refusal
