-- deliveries that hold the same bytes
-- grain:  one row per delivery
-- reads:  landing.delivery
-- writes: nothing
select delivery_id, source_code, year, phase, version, received_on
from landing.delivery
where sha256 = :sha256
order by received_at
