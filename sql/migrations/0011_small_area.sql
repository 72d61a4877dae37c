-- Small areas: what the census of 1395 says of a county, each county's share by itself and by the model, and the model.

-- Null for a county that it did not count yet.
alter table reference.county
add column population_count bigint,
add column active_person_count bigint,
add column unemployed_person_count bigint;

create table estimate.small_area (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    indicator text not null references reference.indicator,
    county_code text not null,
    province_code text not null,
    -- Plans of the denominator that were seen; the size of a simple random sample that would know as much.
    n integer not null,
    n_effective double precision not null,
    -- Expanded to the frame: the weight of the county in its province.
    denominator double precision not null,
    direct double precision,
    direct_standard_error double precision,
    direct_lower double precision,
    direct_upper double precision,
    -- Of the direct share, by one variance function for all counties.
    smoothed_standard_error double precision,
    -- How much of the model's share is the county's own.
    direct_share double precision,
    model double precision,
    model_standard_error double precision,
    -- The model's, moved until the province's direct share is reproduced.
    benchmarked double precision,
    benchmarked_standard_error double precision,
    model_lower double precision,
    model_upper double precision,
    -- What may be printed, and why it is that.
    published double precision check (published between 0 and 1),
    published_method text not null check (published_method in ('direct', 'model', 'withheld')),
    reason_code text not null,
    reason_fa text not null,
    lower double precision,
    upper double precision,
    quality text not null,
    guideline text not null,
    primary key (year, phase, cutoff, indicator, county_code),
    check ((published_method = 'withheld') = (published is null)),
    check ((quality = 'withheld') = (published_method = 'withheld'))
);

-- What the models of a cut-off rest on: design effect, variance between counties, coefficients.
create table estimate.small_area_term (
    year integer not null,
    phase integer not null,
    cutoff date not null,
    indicator text not null references reference.indicator,
    term text not null,
    value double precision not null,
    standard_error double precision,
    guideline text not null,
    primary key (year, phase, cutoff, indicator, term)
);
