-- staging.firm
-- grain:  one row per accepted firm of one delivery
-- reads:  conformed_firm, staging.rejected_row
-- writes: staging.firm (replace per delivery)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    firm_code, firm_name, province_code, capacity_count
from conformed_firm
where not exists (
    select 1 from staging.rejected_row
    where rejected_row.delivery_id = :delivery_id and rejected_row.row_number = conformed_firm.row_number
)
