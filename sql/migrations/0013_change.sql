-- Figures of a round held against those of an earlier one.

create table estimate.change (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    against_year integer not null,
    against_phase integer not null,
    -- The newest verdicts of the earlier round that were known at the cut-off.
    against_cutoff date not null,
    indicator text not null references reference.indicator,
    level text not null check (level in ('nation', 'province')),
    unit_code text not null,
    domain text not null,
    before double precision,
    after double precision,
    change double precision,
    standard_error double precision,
    lower double precision,
    upper double precision,
    p_value double precision,
    direction text not null check (direction in ('more', 'less', 'no_clear_change', 'not_tested', 'undefined')),
    overlap_plan_count integer not null,
    -- Who was inspected, and how they fared: they add up to the change.
    composition_part double precision,
    composition_standard_error double precision,
    rate_part double precision,
    rate_standard_error double precision,
    -- By what plans differed: these add up to composition_part.
    agency_part double precision,
    plan_kind_part double precision,
    loan_band_part double precision,
    province_part double precision,
    method text not null,
    guideline text not null,
    against_guideline text not null,
    primary key (
        year, phase, cutoff, against_year, against_phase, indicator, level, unit_code, domain
    ),
    check ((against_year, against_phase) < (year, phase))
);
