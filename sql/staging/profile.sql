-- what one delivery held, by column and bin
-- grain:  one row per basis, column and bin
-- reads:  staging.delivery_profile
-- writes: nothing
select delivery_id, basis, column_name, bin, row_count, total_rial
from staging.delivery_profile
where delivery_id = :delivery_id
order by basis, column_name, bin
