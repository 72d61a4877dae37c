-- how far the field is, at the newest cut-off up to the one asked for
-- grain:  one row per level and unit
-- reads:  inspection.progress, reference.province, staging.delivery_in_force, staging.firm
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'firm', 'infinity')
),
named as (
    select 'province' as unit_kind, province_code as unit_code, name_fa as unit_name from reference.province
    union all
    select 'firm' as unit_kind, firm.firm_code as unit_code, firm.firm_name as unit_name
    from staging.firm as firm
    inner join delivery on delivery.delivery_id = firm.delivery_id
    where firm.year = :year and firm.phase = :phase
)
select
    progress.year, progress.phase, progress.cutoff, progress.level, progress.unit_kind, progress.unit_code,
    coalesce(named.unit_name, progress.unit_code) as unit_name, progress.issued_plan_count,
    progress.assigned_plan_count, progress.attempted_plan_count, progress.visited_plan_count,
    progress.decided_plan_count, progress.overdue_plan_count, progress.reassigned_plan_count
from inspection.progress as progress
left join named on named.unit_kind = progress.unit_kind and named.unit_code = progress.unit_code
where
    progress.year = :year and progress.phase = :phase
    and (cast(:unit_kind as text) is null or progress.unit_kind = :unit_kind)
    and progress.cutoff = (
        select max(newest.cutoff) from inspection.progress as newest
        where
            newest.year = :year and newest.phase = :phase
            and newest.cutoff <= coalesce(cast(:cutoff as date), 'infinity')
    )
order by
    array_position(array['county', 'provincial', 'national'], progress.level), progress.unit_kind, progress.unit_code
