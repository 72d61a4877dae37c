-- measures of the verdicts
-- grain:  one row
-- reads:  sample.issued_at, sample.reinspected_plan, inspection.verdict, inspection.refused_visit,
--         inspection.reinspection, inspection.inspector_flag
-- writes: nothing
with
issued as (
    select plan_id from sample.issued_at(:year, :phase, cast(:cutoff as date))
),
verdict as (
    select * from inspection.verdict where year = :year and phase = :phase and cutoff = :cutoff
),
repeated as (
    select plan_id, level from sample.reinspected_plan where year = :year and phase = :phase
),
reinspection as (
    select * from inspection.reinspection where year = :year and phase = :phase and cutoff = :cutoff
),
refused as (
    select visit_id from inspection.refused_visit where year = :year and phase = :phase and cutoff = :cutoff
),
flag as (
    select subject_kind, subject_code from inspection.inspector_flag
    where year = :year and phase = :phase and cutoff = :cutoff
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
    (select count(*) from repeated) - (select count(*) from reinspection) as repeat_without_verdict_count,
    -- A refused visit counts as no plan's visit.
    (select count(*) from refused inner join verdict on verdict.visit_id = refused.visit_id) as refused_counted_count,
    (select count(*) from refused)::double precision / greatest((select count(*) from issued), 1) as refused_visit_share,
    (select count(distinct subject_code) from flag where subject_kind = 'visit')::double precision
    / greatest((select count(*) from issued), 1) as flagged_visit_share,
    (select count(distinct subject_code) from flag where subject_kind <> 'visit') as flagged_inspector_count
