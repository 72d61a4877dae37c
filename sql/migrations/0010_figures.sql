-- What domains are made of, and what a figure says of itself.

alter table frame.eligible_plan
add column bank_code text,
add column programme_code text,
add column sex text,
add column birth_year integer,
add column settlement text,
add column is_disabled boolean;

alter table estimate.figure
-- What each plan weighs in it: plan, loan or job.
add column weight text not null default 'plan' check (weight in ('plan', 'loan', 'job')),
-- Reason -> plans (or jobs) that the denominator leaves out.
add column exclusions jsonb not null default '{}';

alter table bulletin.printed_figure
add column weight text not null default 'plan',
add column exclusions jsonb not null default '{}';

alter table reference.indicator
add column kind text not null default 'count' check (kind in ('count', 'total', 'proportion', 'ratio'));
