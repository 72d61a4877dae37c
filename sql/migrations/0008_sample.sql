-- The draw: strata below the county, reserve, re-inspection, the committed seed and the certificate.

drop table sample.allocation;

create table sample.allocation (
    year integer not null,
    phase integer not null,
    province_code text not null,
    county_code text not null,
    stratum_code text not null,
    eligible_plan_count integer not null,
    sample_plan_count integer not null,
    planning_share double precision not null,
    binding_bound text not null check (binding_bound in ('none', 'population', 'maximum', 'minimum')),
    primary key (year, phase, stratum_code)
);

-- How precise the sample will be, known before it is issued.
create table sample.expected_precision (
    year integer not null,
    phase integer not null,
    level text not null check (level in ('nation', 'province')),
    unit_code text not null,
    population_count integer not null,
    sample_count integer not null,
    planning_share double precision not null,
    standard_error double precision not null,
    primary key (year, phase, level, unit_code)
);

-- Plans that may be released, in their order.
create table sample.reserve_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    stratum_code text not null,
    release_order integer not null,
    primary key (year, phase, plan_id),
    unique (year, phase, stratum_code, release_order)
);

-- The SHA-256 of a seed, published before the frame closes. The seed itself is shown by the certificate.
create table sample.seed_commitment (
    year integer not null,
    phase integer not null,
    seed_sha256 text not null,
    committed_on date not null,
    primary key (year, phase)
);

create table sample.draw_certificate (
    year integer not null,
    phase integer not null,
    certificate text not null,
    primary key (year, phase)
);
