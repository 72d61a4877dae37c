-- measures of the verdicts
-- grain:  one row
-- reads:  sample.issued_plan, inspection.verdict, inspection.impossible_visit
-- writes: nothing
with
issued as (
    select plan_id from sample.issued_plan where year = :year and phase = :phase
),
verdict as (
    select * from inspection.verdict where year = :year and phase = :phase and cutoff = :cutoff
)
select
    (select count(*) from issued) as issued_plan_count,
    (
        select count(*) from issued
        where not exists (select 1 from verdict where verdict.plan_id = issued.plan_id)
    ) as plan_without_verdict_count,
    (select count(*) from verdict where is_confirmed and not is_decided) as confirmed_undecided_count,
    (select count(*) from verdict where is_decided and not is_supervised) as decided_unsupervised_count,
    (select count(*) from verdict where not is_supervised)::double precision
    / greatest((select count(*) from issued), 1) as not_attempted_share,
    (
        select count(*) from inspection.impossible_visit
        where year = :year and phase = :phase and cutoff = :cutoff
    )::double precision / greatest((select count(*) from issued), 1) as impossible_visit_share
