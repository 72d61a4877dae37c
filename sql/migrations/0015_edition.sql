-- Editions of a period: which stands, which it took the place of, and what it says otherwise.

create table bulletin.edition (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    -- In the order of release.
    number integer not null,
    kind text not null check (kind in ('provisional', 'final', 'revised')),
    released_on date not null,
    -- Cut-off of the edition before; null for the first.
    supersedes date,
    reasons text[] not null,
    guideline text not null,
    primary key (year, phase, cutoff),
    unique (year, phase, number)
);

create table bulletin.revision (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    indicator text not null,
    basis text not null,
    level text not null,
    unit_code text not null,
    domain text not null,
    before double precision,
    after double precision,
    change double precision,
    relative_change double precision,
    quality_before text,
    quality_after text,
    primary key (year, phase, cutoff, indicator, basis, level, unit_code, domain)
);
