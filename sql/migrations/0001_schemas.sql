-- Schemas: one a stage, the reference data, and what the flow keeps about itself.
create schema if not exists reference;
create schema if not exists control;
create schema if not exists landing;
create schema if not exists staging;
create schema if not exists frame;
create schema if not exists sample;
create schema if not exists inspection;
create schema if not exists estimate;
create schema if not exists finding;
create schema if not exists decision;
create schema if not exists bulletin;

-- reference -----------------------------------------------------------------

create table reference.province (
    province_code text primary key,
    name_fa text not null,
    name_en text not null,
    tile_row integer not null,
    tile_column integer not null
);

create table reference.county (
    county_code text primary key,
    province_code text not null references reference.province,
    name_fa text not null,
    alt_names text,
    is_in_1395 boolean not null,
    is_in_1399 boolean not null,
    is_in_1402 boolean not null
);

create table reference.jalali_month (
    year integer not null,
    month integer not null,
    starts_on date not null,
    day_count integer not null,
    primary key (year, month)
);

create table reference.reject_reason (
    reason_code text primary key,
    wanted text not null,
    reason_fa text not null,
    remedy_fa text not null
);

create table reference.indicator (
    indicator text primary key,
    name_fa text not null,
    unit text not null,
    definition_fa text not null
);

create table reference.source (
    source_code text primary key,
    agency_code text not null,
    agency_name text not null,
    form text not null,
    is_rehearsal boolean not null
);

-- control -------------------------------------------------------------------

create table control.validation (
    validation_id bigint generated always as identity primary key,
    suite text not null,
    batch text not null,
    is_success boolean not null,
    checked_at timestamptz not null default now(),
    result jsonb not null,
    findings jsonb not null
);

-- landing -------------------------------------------------------------------

create table landing.delivery (
    delivery_id text primary key,
    source_code text not null references reference.source,
    form text not null,
    year integer not null,
    phase integer not null,
    received_on date not null,
    received_at timestamptz not null,
    version integer not null,
    file_name text not null,
    byte_count bigint not null,
    sha256 text not null,
    notes text,
    patched_delivery_id text references landing.delivery on delete cascade,
    is_correction boolean not null default false,
    unique (source_code, year, phase, sha256)
);

-- Tables of delivered rows, one a form, are made from reference/forms; see tasks/edges/forms.py.

-- staging -------------------------------------------------------------------

create table staging.rejected_row (
    year integer not null,
    phase integer not null,
    delivery_id text not null references landing.delivery on delete cascade,
    row_number integer not null,
    reason_code text not null references reference.reject_reason,
    column_name text not null,
    found text,
    candidates text,
    primary key (delivery_id, row_number, column_name, reason_code)
);

-- What each distinct delivered value of a column of few values was read as.
create table staging.delivered_value (
    delivery_id text not null references landing.delivery on delete cascade,
    column_name text not null,
    delivered text not null,
    value text,
    reason_code text references reference.reject_reason,
    candidates text,
    primary key (delivery_id, column_name, delivered)
);

-- What a newer version of a delivery changed against the accepted one before it.
create table staging.delivery_change (
    delivery_id text primary key references landing.delivery on delete cascade,
    against_delivery_id text not null,
    added_count bigint not null,
    gone_count bigint not null,
    altered_count bigint not null,
    altered_columns jsonb not null
);

create table staging.delivery_outcome (
    delivery_id text primary key references landing.delivery on delete cascade,
    status text not null check (status in ('conformed', 'accepted', 'refused')),
    row_count bigint not null,
    rejected_row_count bigint not null,
    source_version text not null,
    refusal text
);

create view staging.accepted_delivery as
select delivery.*, outcome.row_count, outcome.rejected_row_count
from landing.delivery as delivery
inner join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
where outcome.status = 'accepted';

-- The newest accepted delivery of each source of a form, as it was known on a day.
create function staging.delivery_in_force(asked_year integer, asked_phase integer, asked_form text, asked_cutoff date)
returns table (source_code text, delivery_id text, received_on date)
language sql stable parallel safe as $$
    select distinct on (delivery.source_code) delivery.source_code, delivery.delivery_id, delivery.received_on
    from staging.accepted_delivery as delivery
    where
        delivery.year = asked_year and delivery.phase = asked_phase and delivery.form = asked_form
        and delivery.received_on <= asked_cutoff
    order by delivery.source_code asc, delivery.version desc
$$;

-- frame ---------------------------------------------------------------------

create table frame.eligible_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    delivery_id text not null,
    agency_code text not null,
    province_code text not null,
    county_code text not null,
    stratum_code text not null,
    plan_kind text not null,
    loan_paid_rial bigint not null,
    registered_job_count integer not null,
    advising_firm_code text,
    primary key (year, phase, plan_id)
);

create table frame.excluded_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    agency_code text not null,
    reason_code text not null,
    kept_plan_id text,
    primary key (year, phase, plan_id)
);

-- sample --------------------------------------------------------------------

create table sample.allocation (
    year integer not null,
    phase integer not null,
    province_code text not null,
    county_code text not null,
    eligible_plan_count integer not null,
    sample_plan_count integer not null,
    primary key (year, phase, county_code)
);

create table sample.drawn_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    province_code text not null,
    county_code text not null,
    stratum_code text not null,
    stratum_population_count integer not null,
    stratum_sample_count integer not null,
    inclusion_probability double precision not null,
    random_number double precision not null,
    primary key (year, phase, plan_id)
);

create table sample.assignment (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    firm_code text not null,
    inspector_code text not null,
    primary key (year, phase, plan_id)
);

create table sample.issued_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    agency_code text not null,
    province_code text not null,
    county_code text not null,
    stratum_code text not null,
    stratum_population_count integer not null,
    stratum_sample_count integer not null,
    inclusion_probability double precision not null,
    plan_kind text not null,
    registered_job_count integer not null,
    loan_paid_rial bigint not null,
    firm_code text not null,
    inspector_code text not null,
    guideline text not null,
    primary key (year, phase, plan_id)
);

-- inspection ----------------------------------------------------------------

create table inspection.verdict (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    plan_id text not null,
    agency_code text not null,
    province_code text not null,
    county_code text not null,
    stratum_code text not null,
    stratum_population_count integer not null,
    stratum_sample_count integer not null,
    inclusion_probability double precision not null,
    loan_paid_rial bigint not null,
    registered_job_count integer not null,
    visit_id text,
    visited_on date,
    is_supervised boolean not null,
    is_decided boolean not null,
    is_confirmed boolean not null,
    verdict text not null,
    loan_use text,
    is_running boolean,
    has_rule_breach boolean,
    jobs_found_count integer,
    realised_job_count integer not null,
    guideline text not null,
    primary key (year, phase, cutoff, plan_id)
);

create table inspection.impossible_visit (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    visit_id text not null,
    plan_id text not null,
    reason_code text not null,
    primary key (year, phase, cutoff, visit_id, reason_code)
);

-- estimate ------------------------------------------------------------------

create table estimate.figure (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    indicator text not null references reference.indicator,
    basis text not null check (basis in ('counted', 'estimated')),
    level text not null check (level in ('nation', 'province', 'county')),
    unit_code text not null,
    domain text not null,
    numerator double precision,
    denominator double precision,
    n integer not null,
    estimate double precision,
    standard_error double precision,
    lower double precision,
    upper double precision,
    quality text not null,
    method text not null,
    guideline text not null,
    primary key (year, phase, cutoff, indicator, basis, level, unit_code, domain)
);

-- finding -------------------------------------------------------------------

create table finding.case_file (
    case_id text primary key,
    year integer not null,
    phase integer not null,
    plan_id text not null,
    agency_code text not null,
    province_code text not null,
    county_code text not null,
    kind text not null check (kind in ('deviation', 'violation', 'discrepancy')),
    visit_id text not null,
    opened_on date not null,
    evidence jsonb not null
);

create table finding.case_event (
    event_id text primary key,
    case_id text not null references finding.case_file,
    happened_on date not null,
    kind text not null,
    note text not null
);

-- decision ------------------------------------------------------------------

create table decision.scorecard (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    agency_code text not null,
    n integer not null,
    confirmed_plan_count integer not null,
    decided_plan_count integer not null,
    estimate double precision not null,
    standard_error double precision not null,
    lower double precision not null,
    upper double precision not null,
    rank_estimate integer not null,
    rank_lower integer not null,
    rank_upper integer not null,
    primary key (year, phase, cutoff, agency_code)
);

create table decision.quota_scenario (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    agency_code text not null,
    current_rial bigint not null,
    recommended_rial bigint not null,
    change_share double precision not null,
    primary key (year, phase, cutoff, agency_code)
);

-- bulletin ------------------------------------------------------------------

create table bulletin.printed_figure (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    indicator text not null,
    basis text not null,
    level text not null,
    unit_code text not null,
    domain text not null,
    numerator double precision,
    denominator double precision,
    n integer not null,
    estimate double precision,
    standard_error double precision,
    lower double precision,
    upper double precision,
    quality text not null,
    method text not null,
    guideline text not null,
    primary key (year, phase, cutoff, indicator, basis, level, unit_code, domain)
);

create table bulletin.file (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    file_name text not null,
    byte_count bigint not null,
    sha256 text not null,
    primary key (year, phase, cutoff, file_name)
);
