-- inspection.refused_visit
-- grain:  one row per returned visit that nobody was sent on
-- reads:  staging.delivery_in_force, staging.visit, sample.issued_at, sample.reinspected_plan, sample.assignment_history
-- writes: inspection.refused_visit (replace per cut-off)
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
issued as (
    select plan_id, 'county' as level from sample.issued_at(:year, :phase, cast(:cutoff as date))
    union all
    select plan_id, level from sample.reinspected_plan where year = :year and phase = :phase
),
charge as (
    select * from sample.assignment_history where year = :year and phase = :phase
),
visit as (
    select
        staging.visit.*, issued.plan_id is not null as is_issued,
        charge.firm_code as wanted_firm_code, charge.inspector_code as wanted_inspector_code
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    left join issued on issued.plan_id = staging.visit.plan_id and issued.level = staging.visit.level
    -- Who was in charge on the day of the visit; the first one was from the start.
    left join charge
        on charge.plan_id = staging.visit.plan_id and charge.level = staging.visit.level
        and (charge.spell_number = 0 or charge.assigned_on <= staging.visit.visited_on)
        and (charge.until_on is null or charge.until_on > staging.visit.visited_on)
    where staging.visit.year = :year and staging.visit.phase = :phase
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:cutoff as date) as cutoff, delivery_id,
    row_number, visit_id, plan_id, level,
    case
        when is_issued then 'wrong_inspector' when level = 'county' then 'plan_not_issued' else 'plan_not_reinspected'
    end as reason_code,
    delivery_id || ', row ' || row_number || ', visit ' || visit_id as place,
    case
        when is_issued then concat_ws(' of ', inspector_code, firm_code)
        else plan_id || ', ' || level
    end as found,
    case
        when wanted_inspector_code is not null then concat_ws(' of ', wanted_inspector_code, wanted_firm_code)
        when is_issued then 'whoever it is assigned to; nobody yet'
        when level = 'county' then 'a plan of the issued list of ' || :year || '-' || :phase
        else 'a plan of the list of ' || level || ' repeats of ' || :year || '-' || :phase
    end as wanted
from visit
where
    not is_issued or wanted_inspector_code is distinct from inspector_code
    -- An inspector of the ministry has no firm, on the list or in the visit.
    or wanted_firm_code is distinct from firm_code
