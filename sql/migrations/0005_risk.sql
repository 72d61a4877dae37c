-- The risk of each plan of the frame: its facts as they were known then, its points and its score.
create table frame.plan_risk (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    risk_points numeric not null,
    risk_score double precision not null check (risk_score > 0 and risk_score <= 1),
    risk_method text not null check (risk_method in ('rule_table', 'logistic_model')),
    model_version text not null,
    fired_rules text[] not null,
    -- Facts, kept since a model of a later year learns from what was known when its plan was scored.
    loan_paid_rial bigint not null,
    registered_job_count integer not null,
    is_enterprise boolean not null,
    is_advised boolean not null,
    is_agency_new boolean not null,
    wait_day_count integer not null,
    loan_per_job_ratio double precision not null,
    paid_share double precision not null,
    registered_job_share double precision,
    adviser_plan_share double precision not null,
    agency_refused_share double precision,
    county_refused_share double precision,
    primary key (year, phase, plan_id)
);
