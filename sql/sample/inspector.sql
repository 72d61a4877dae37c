-- the inspectors that may be given plans
-- grain:  one row per inspector
-- reads:  staging.delivery_in_force, staging.inspector
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'inspector', 'infinity')
)
-- An inspector in two registries is one person, with one set of places.
select distinct on (inspector.inspector_code)
    inspector.inspector_code, inspector.firm_code, inspector.level, inspector.province_code, inspector.county_code,
    cast(inspector.latitude as double precision) as latitude,
    cast(inspector.longitude as double precision) as longitude,
    inspector.capacity_count, inspector.licensed_until, inspector.plan_kinds,
    -- Those of the Ministry may go anywhere.
    case
        when inspector.level = 'national' then ''
        else concat_ws(' ', inspector.province_code, inspector.further_province_codes)
    end as province_codes
from staging.inspector as inspector
inner join delivery on delivery.delivery_id = inspector.delivery_id
where inspector.year = :year and inspector.phase = :phase
order by inspector.inspector_code, inspector.delivery_id
