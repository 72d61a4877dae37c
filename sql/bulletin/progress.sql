-- how far the first visits are, as an edition prints it
-- grain:  one row per province of the nation, or per firm registered in a province
-- reads:  inspection.progress, reference.province, staging.delivery_in_force, staging.firm
-- writes: nothing
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'firm', cast(:cutoff as date))
),
unit as (
    select 'province' as unit_kind, province_code as unit_code, name_fa as unit_name, 'IR' as within_code
    from reference.province
    union all
    select
        'firm' as unit_kind, firm.firm_code as unit_code, firm.firm_name as unit_name,
        firm.province_code as within_code
    from staging.firm as firm
    inner join delivery on delivery.delivery_id = firm.delivery_id
    where firm.year = :year and firm.phase = :phase
)
select
    unit.unit_code, unit.unit_name, progress.issued_plan_count, progress.assigned_plan_count,
    progress.attempted_plan_count, progress.visited_plan_count, progress.decided_plan_count,
    progress.overdue_plan_count, progress.reassigned_plan_count
from inspection.progress as progress
inner join unit on unit.unit_kind = progress.unit_kind and unit.unit_code = progress.unit_code
where
    progress.year = :year and progress.phase = :phase and progress.cutoff = :cutoff and progress.level = 'county'
    and unit.within_code = :unit_code
order by unit.unit_code
