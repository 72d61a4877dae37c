-- what the delivery before held: of the same source, in force in the newest earlier period that has one
-- grain:  one row per basis, column and bin; none where no earlier period has an accepted delivery
-- reads:  landing.delivery, staging.accepted_delivery, staging.delivery_profile
-- writes: nothing
with
now as (
    select source_code, form, year, phase from landing.delivery where delivery_id = :delivery_id
),
before as (
    select delivery.delivery_id
    from now
    inner join staging.accepted_delivery as delivery
        on delivery.source_code = now.source_code and delivery.form = now.form
        and (delivery.year, delivery.phase) < (now.year, now.phase)
    order by delivery.year desc, delivery.phase desc, delivery.version desc
    limit 1
)
select
    profile.delivery_id, profile.basis, profile.column_name, profile.bin, profile.row_count, profile.total_rial
from before
inner join staging.delivery_profile as profile on profile.delivery_id = before.delivery_id
order by profile.basis, profile.column_name, profile.bin
