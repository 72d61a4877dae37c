-- inspection.refused_visit
-- grain:  one row per returned visit that nobody was sent on
-- reads:  staging.delivery_in_force, staging.visit, sample.issued_plan, sample.reinspected_plan
-- writes: inspection.refused_visit (replace per cut-off)
with
delivery as (
    select delivery_id from staging.delivery_in_force(:year, :phase, 'visit', cast(:cutoff as date))
),
assignment as (
    select plan_id, 'county' as level, firm_code, inspector_code
    from sample.issued_plan
    where year = :year and phase = :phase
    union all
    select plan_id, level, firm_code, inspector_code
    from sample.reinspected_plan
    where year = :year and phase = :phase
),
visit as (
    select
        staging.visit.*, assignment.plan_id is not null as is_assigned,
        assignment.firm_code as wanted_firm_code, assignment.inspector_code as wanted_inspector_code
    from staging.visit
    inner join delivery on delivery.delivery_id = staging.visit.delivery_id
    left join assignment on assignment.plan_id = staging.visit.plan_id and assignment.level = staging.visit.level
    where staging.visit.year = :year and staging.visit.phase = :phase
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:cutoff as date) as cutoff, delivery_id,
    row_number, visit_id, plan_id, level,
    case
        when is_assigned then 'wrong_inspector' when level = 'county' then 'plan_not_issued' else 'plan_not_reinspected'
    end as reason_code,
    delivery_id || ', row ' || row_number || ', visit ' || visit_id as place,
    case
        when is_assigned then concat_ws(' of ', inspector_code, firm_code)
        else plan_id || ', ' || level
    end as found,
    case
        when is_assigned then concat_ws(' of ', wanted_inspector_code, wanted_firm_code)
        when level = 'county' then 'a plan of the issued list of ' || :year || '-' || :phase
        else 'a plan of the list of ' || level || ' repeats of ' || :year || '-' || :phase
    end as wanted
from visit
where
    not is_assigned or wanted_inspector_code <> inspector_code
    -- An inspector of the ministry has no firm, on the list or in the visit.
    or wanted_firm_code is distinct from firm_code
