-- the firms that may be given plans
-- grain:  one row per firm
-- reads:  staging.accepted_delivery, staging.firm
-- writes: nothing
with
delivery as (
    select delivery_id from staging.accepted_delivery
    where year = :year and phase = :phase and form = 'firm'
    order by received_at desc, version desc
    limit 1
)
select firm.firm_code, firm.province_code, firm.capacity_count
from staging.firm as firm
inner join delivery on delivery.delivery_id = firm.delivery_id
where firm.year = :year and firm.phase = :phase
order by firm.firm_code
