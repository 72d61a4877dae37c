-- Rules across deliveries, what a delivery held, and its quality.

create table staging.contradiction_rule (
    rule_code text primary key,
    -- The form whose rows the rule flags.
    form text not null,
    label_fa text not null
);

insert into staging.contradiction_rule (rule_code, form, label_fa) values
('person_agencies', 'loan_plan', 'یک نفر از بیش از یک دستگاه تسهیلات گرفته است.'),
('paid_above_approved', 'loan_plan', 'مبلغ پرداختی از مبلغ مصوب بیشتر است.'),
('paid_before_approved', 'loan_plan', 'تاریخ پرداخت پیش از تاریخ تصویب است.'),
('paid_without_job', 'loan_plan', 'برای تسهیلات پرداخت‌شده نه شغلی تعهد و نه شغلی ثبت شده است.'),
('payment_without_plan', 'payment', 'طرح این پرداخت در فهرست طرح‌های همان دستگاه نیست.'),
('job_without_plan', 'registered_job', 'طرح این شغل در فهرست طرح‌های همان دستگاه نیست.'),
('insurance_against_job', 'registered_job', 'سابقهٔ بیمهٔ شاغل با شغل ثبت‌شده نمی‌خواند.');

-- No references: checking them row by row would double the time where a rule finds much.
create table staging.contradiction (
    year integer not null,
    phase integer not null,
    rule_code text not null,
    delivery_id text not null,
    row_number integer not null,
    plan_id text,
    -- What the rule counts: a person, a plan, or a row.
    subject_id text not null,
    what text not null,
    primary key (year, phase, rule_code, delivery_id, row_number)
);

create index contradiction_of_delivery on staging.contradiction (delivery_id);

create table staging.delivery_profile (
    delivery_id text not null references landing.delivery on delete cascade,
    -- delivered: cells as they came, empty or filled; accepted: values of the rows not given back.
    basis text not null check (basis in ('delivered', 'accepted')),
    column_name text not null,
    bin text not null,
    row_count bigint not null,
    total_rial numeric,
    primary key (delivery_id, basis, column_name, bin)
);

-- The lower bound of an amount's band, in steps of 1, 2 and 5; bands never move, so periods compare.
create function staging.amount_band(amount bigint) returns text
language sql immutable parallel safe as $$
    select (array[
        0, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9, 2e9, 5e9,
        1e10, 2e10, 5e10, 1e11, 2e11, 5e11, 1e12, 2e12, 5e12, 1e13
    ]::bigint[])[1 + width_bucket(amount, array[
        1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9, 2e9, 5e9,
        1e10, 2e10, 5e10, 1e11, 2e11, 5e11, 1e12, 2e12, 5e12, 1e13
    ]::bigint[])]::text
$$;

create table staging.delivery_quality (
    year integer not null,
    phase integer not null,
    source_code text not null references reference.source,
    delivery_id text not null references landing.delivery on delete cascade,
    dimension text not null
    check (dimension in ('completeness', 'uniqueness', 'validity', 'timeliness', 'consistency')),
    numerator bigint not null,
    denominator bigint not null,
    -- Null where there was nothing to judge.
    share double precision,
    primary key (delivery_id, dimension),
    check (numerator between 0 and denominator)
);

create index quality_of_source on staging.delivery_quality (source_code, year, phase);
