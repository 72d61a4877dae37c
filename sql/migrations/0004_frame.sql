-- What the frame knows of a plan, pairs that may be one plan, what the desk found, and how much of an agency is there.

-- Distances between names, for pairs of plans without a national ID.
create extension if not exists fuzzystrmatch with schema public;

alter table frame.eligible_plan
add column national_id text,
add column applicant_name_key text,
add column budget_note text,
add column activity_code text,
add column approved_on date,
add column paid_on date,
add column loan_approved_rial bigint,
add column job_commitment_count integer,
add column latitude double precision,
add column longitude double precision;

-- Pairs of plans of two agencies of which one at least came without a national ID.
create table frame.linked_pair (
    year integer not null,
    phase integer not null,
    plan_id_left text not null,
    plan_id_right text not null,
    -- log2 of the odds that both are one plan.
    match_weight double precision not null,
    match_probability double precision not null check (match_probability between 0 and 1),
    decision text not null check (decision in ('linked', 'review', 'not_linked')),
    decided_by text not null check (decided_by in ('rule', 'clerk')),
    -- Comparison -> the level on which the pair agrees; null where one side is empty.
    comparison_levels jsonb not null,
    guideline text not null,
    primary key (year, phase, plan_id_left, plan_id_right),
    check (plan_id_left < plan_id_right)
);

-- What the weights of a period's pairs rest on.
create table frame.linkage_model (
    year integer not null,
    phase integer not null,
    comparison text not null,
    level text not null,
    m_probability double precision not null check (m_probability > 0 and m_probability <= 1),
    u_probability double precision not null check (u_probability > 0 and u_probability <= 1),
    -- learned from plans that carry an ID, or assumed by the guideline where these are too few.
    m_basis text not null check (m_basis in ('learned', 'assumed')),
    prior_probability double precision not null,
    guideline text not null,
    primary key (year, phase, comparison, level)
);

create table frame.desk_verification (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    -- Null where no insurance record was delivered at all; 0 where none speaks of the plan's people.
    insured_worker_count integer,
    has_insurance boolean,
    sms_outcome text,
    phone_outcome text,
    last_contacted_on date,
    desk_status text not null,
    guideline text not null,
    primary key (year, phase, plan_id)
);

create table frame.coverage (
    year integer not null,
    phase integer not null,
    agency_code text not null,
    -- all: the whole agency.
    county_code text not null,
    declared_plan_count bigint,
    declared_loan_paid_rial numeric,
    -- Rows as delivered, those given back among them; of the whole agency only.
    delivered_plan_count bigint,
    accepted_plan_count bigint not null,
    accepted_loan_paid_rial numeric not null,
    eligible_plan_count bigint not null,
    excluded_by_reason jsonb not null,
    plan_share double precision,
    loan_share double precision,
    primary key (year, phase, agency_code, county_code)
);
