-- The three sources of error of both rates, and how far inspectors agree with their blind repeats.

create table estimate.error_source (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    level text not null check (level in ('nation', 'province')),
    unit_code text not null,
    indicator text not null references reference.indicator,
    issued_plan_count integer not null,
    attempted_plan_count integer not null,
    decided_plan_count integer not null,
    unanswered_plan_count integer not null,
    repeated_plan_count integer not null,
    estimate double precision,
    standard_error double precision,
    lower double precision,
    upper double precision,
    -- If none, or all, of the attempted but undecided plans were confirmed.
    lowest_estimate double precision,
    highest_estimate double precision,
    adjusted_estimate double precision,
    adjusted_standard_error double precision,
    adjusted_lower double precision,
    adjusted_upper double precision,
    nonresponse_quality text not null
    check (nonresponse_quality in ('weighted', 'one_class', 'all_decided', 'none_decided')),
    corrected_estimate double precision,
    corrected_standard_error double precision,
    corrected_lower double precision,
    corrected_upper double precision,
    measurement_quality text not null
    check (measurement_quality in ('measured', 'all_repeats_agree', 'not_measured', 'too_few_repeats', 'none_decided')),
    combined_estimate double precision,
    combined_standard_error double precision,
    combined_lower double precision,
    combined_upper double precision,
    nonresponse_bias double precision,
    measurement_bias double precision,
    sampling_variance double precision,
    nonresponse_variance double precision,
    measurement_variance double precision,
    guideline text not null,
    primary key (year, phase, cutoff, level, unit_code, indicator),
    -- What is missing is stated, never silent.
    check ((nonresponse_quality = 'none_decided') = (adjusted_estimate is null)),
    check ((measurement_quality in ('measured', 'all_repeats_agree')) = (combined_estimate is not null))
);

create table estimate.agreement (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    level text not null check (level in ('nation', 'province', 'firm')),
    unit_code text not null,
    -- Whether a visit confirms, or which of four verdicts it gives.
    measure text not null check (measure in ('confirmation', 'verdict')),
    n integer not null,
    agreed_plan_count integer not null,
    estimate double precision,
    standard_error double precision,
    lower double precision,
    upper double precision,
    quality text not null check (quality in ('measured', 'not_measured', 'too_few_repeats', 'one_category')),
    guideline text not null,
    primary key (year, phase, cutoff, level, unit_code, measure),
    check ((quality = 'measured') = (estimate is not null))
);
