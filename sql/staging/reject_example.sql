-- a few rows of one delivery that were given back, for each reason
-- grain:  one row per reason and example
-- reads:  staging.rejected_row
-- writes: nothing
with
numbered as (
    select
        reason_code, row_number, column_name, found,
        row_number() over (partition by reason_code order by row_number, column_name) as place
    from staging.rejected_row
    where delivery_id = :delivery_id
)
select reason_code, row_number, column_name, found
from numbered
where place <= :example_count
order by reason_code, row_number
