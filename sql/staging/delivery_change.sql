-- what a version of a delivery changed against the one before it
-- grain:  one row at most
-- reads:  staging.delivery_change, landing.delivery
-- writes: nothing
select change.added_count, change.gone_count, change.altered_count, change.altered_columns, before.version as version_before
from staging.delivery_change as change
inner join landing.delivery as before on before.delivery_id = change.against_delivery_id
where change.delivery_id = :delivery_id
