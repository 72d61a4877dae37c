-- the firms that may be given plans
-- grain:  one row per firm
-- reads:  staging.delivery_in_force, staging.firm
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'firm', 'infinity')
)
select firm.firm_code, firm.province_code, firm.capacity_count
from staging.firm as firm
inner join delivery on delivery.delivery_id = firm.delivery_id
where firm.year = :year and firm.phase = :phase
order by firm.firm_code
