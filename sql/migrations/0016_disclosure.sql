-- What an edition counts, cell by cell, and which of it may not be printed.

create table bulletin.cell (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    level text not null check (level in ('nation', 'province', 'county')),
    unit_code text not null,
    domain text not null,
    variable text not null,
    value double precision not null,
    -- Persons who add more than nothing, and what the two add who add most.
    contributor_count bigint not null,
    largest double precision not null,
    second double precision not null,
    -- One mark for every reason: which cells are small themselves is told to nobody.
    is_withheld boolean not null,
    -- Version of the rules it was withheld by.
    guideline text not null,
    primary key (year, phase, cutoff, level, unit_code, domain, variable)
);

alter table bulletin.printed_figure
add column is_suppressed boolean not null default false;

-- Figures as an edition prints them, with what it says otherwise than the one before.
create view bulletin.figure_in_print as
select
    printed.*,
    exists(
        select 1 from bulletin.revision as revision
        where
            revision.year = printed.year and revision.phase = printed.phase and revision.cutoff = printed.cutoff
            and revision.indicator = printed.indicator and revision.basis = printed.basis
            and revision.level = printed.level and revision.unit_code = printed.unit_code
            and revision.domain = printed.domain
    ) as is_revised
from bulletin.printed_figure as printed;
