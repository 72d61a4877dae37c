-- the firms of one delivery, as its suite judges them
-- grain:  one row per accepted firm
-- reads:  staging.firm
-- writes: nothing
select firm_code, firm_name, province_code, capacity_count
from staging.firm
where delivery_id = :delivery_id
