-- Visits of three levels, what was refused of them by name, and the quality of inspectors.

-- Visits that inspectors of a higher level repeat, drawn before the first visit is made; sample.assignment says by whom.
create table sample.reinspected_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    level text not null check (level in ('provincial', 'national')),
    stratum_population_count integer not null,
    stratum_sample_count integer not null,
    -- Of the second phase, given the first.
    inclusion_probability double precision not null,
    random_number double precision not null,
    stratum_code text not null,
    primary key (year, phase, plan_id, level)
);

-- An inspector of the ministry belongs to no firm; a form's table is made after the first migrations.
alter table if exists staging.visit alter column firm_code drop not null;
-- What was delivered before there were levels was a first visit.
alter table if exists staging.visit add column if not exists level text default 'county';

-- Its reasons live on: those that refuse a visit in refused_visit, those that doubt one in inspector_flag.
drop table inspection.impossible_visit;

create table inspection.refused_visit (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    delivery_id text not null,
    row_number integer not null,
    visit_id text not null,
    plan_id text not null,
    level text not null,
    reason_code text not null check (reason_code in ('plan_not_issued', 'plan_not_reinspected', 'wrong_inspector')),
    place text not null,
    found text not null,
    wanted text not null,
    primary key (year, phase, cutoff, delivery_id, row_number)
);

create table inspection.reinspection (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    plan_id text not null,
    level text not null check (level in ('provincial', 'national')),
    agency_code text not null,
    province_code text not null,
    county_code text not null,
    inclusion_probability double precision not null,
    inspector_code text,
    visit_id text,
    visited_on date,
    is_supervised boolean not null,
    is_decided boolean not null,
    is_confirmed boolean not null,
    verdict text not null,
    first_visit_id text,
    first_is_decided boolean not null,
    first_is_confirmed boolean not null,
    first_verdict text not null,
    guideline text not null,
    primary key (year, phase, cutoff, plan_id, level)
);

create table inspection.inspector_flag (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    subject_kind text not null check (subject_kind in ('visit', 'inspector', 'firm')),
    subject_code text not null,
    flag text not null,
    statistic double precision not null,
    limit_value double precision not null,
    -- Missing where the flag is no test of chance.
    p_value double precision,
    evidence jsonb not null,
    guideline text not null,
    primary key (year, phase, cutoff, subject_kind, subject_code, flag)
);
