-- Who inspects what: by level, at what cost, who took over, and what nobody could take.

alter table sample.assignment
    add column level text not null default 'county' check (level in ('county', 'provincial', 'national')),
    add column assigned_on date,
    add column cost_km double precision,
    add column distance_km double precision,
    -- Codes of what the cost is made of, separated by blanks.
    add column reasons text,
    -- Inspectors of the Ministry belong to no firm.
    alter column firm_code drop not null,
    drop constraint assignment_pkey,
    add primary key (year, phase, plan_id, level);

-- A plan nobody may take is issued all the same where the guideline goes on with a list.
alter table sample.issued_plan
    alter column firm_code drop not null,
    alter column inspector_code drop not null;

-- Points of plans, for whoever measures the way to them.
alter table frame.eligible_plan
    add column if not exists latitude double precision,
    add column if not exists longitude double precision;

create table sample.unassigned_plan (
    year integer not null,
    phase integer not null,
    level text not null,
    plan_id text not null,
    province_code text not null,
    reason_code text not null,
    detail text not null,
    primary key (year, phase, level, plan_id)
);

-- Append only: the assignment that was taken away stays readable.
create table sample.reassignment (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    level text not null,
    reassigned_on date not null,
    from_firm_code text,
    from_inspector_code text,
    to_firm_code text,
    to_inspector_code text not null,
    reason text not null,
    cost_km double precision,
    distance_km double precision,
    primary key (year, phase, plan_id, level, reassigned_on)
);

-- Every spell of charge: the first assignment, and each that took over from it.
create view sample.assignment_history as
with
spell as (
    select
        year, phase, plan_id, level, 0 as spell_number, assigned_on, firm_code, inspector_code, cost_km, distance_km
    from sample.assignment
    union all
    select
        year, phase, plan_id, level,
        row_number() over (partition by year, phase, plan_id, level order by reassigned_on) as spell_number,
        reassigned_on, to_firm_code, to_inspector_code, cost_km, distance_km
    from sample.reassignment
)
select
    year, phase, plan_id, level, spell_number, assigned_on,
    -- The day the next one took over: from then on this one is no longer in charge.
    lead(assigned_on) over (partition by year, phase, plan_id, level order by spell_number) as until_on,
    firm_code, inspector_code, cost_km, distance_km
from spell;

-- Who is in charge now. The issued sample is frozen and names who was in charge when it was issued.
create view sample.assignment_in_force as
select year, phase, plan_id, level, spell_number, assigned_on, firm_code, inspector_code, cost_km, distance_km
from sample.assignment_history
where until_on is null;

-- Who was in charge on a day; before the first assignment, whoever was first.
create function sample.assignment_at(asked_year integer, asked_phase integer, asked_on date)
returns table (
    plan_id text, level text, spell_number bigint, assigned_on date, firm_code text, inspector_code text
)
language sql stable parallel safe as $$
    select plan_id, level, spell_number, assigned_on, firm_code, inspector_code
    from sample.assignment_history
    where
        year = asked_year and phase = asked_phase
        and (spell_number = 0 or assigned_on <= asked_on)
        and (until_on is null or until_on > asked_on)
$$;

-- How far the field is, at a cut-off.
create table inspection.progress (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    level text not null,
    unit_kind text not null check (unit_kind in ('nation', 'province', 'firm')),
    unit_code text not null,
    issued_plan_count integer not null,
    assigned_plan_count integer not null,
    attempted_plan_count integer not null,
    visited_plan_count integer not null,
    decided_plan_count integer not null,
    overdue_plan_count integer not null,
    reassigned_plan_count integer not null,
    primary key (year, phase, cutoff, level, unit_kind, unit_code)
);
