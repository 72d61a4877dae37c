-- measures of the cases
-- grain:  one row
-- reads:  inspection.verdict, finding.case_file, finding.case_event
-- writes: nothing
with
refused as (
    select * from inspection.verdict
    where year = :year and phase = :phase and cutoff = :cutoff and is_decided and not is_confirmed
),
opened as (
    select * from finding.case_file where year = :year and phase = :phase
)
select
    (
        select count(*) from refused
        where not exists (
            select 1 from opened
            where opened.plan_id = refused.plan_id and opened.visit_id = refused.visit_id
            and opened.kind = refused.verdict
        )
    ) as refused_without_case_count,
    (select count(*) from opened where evidence = '{}'::jsonb or coalesce(visit_id, '') = '') as case_without_evidence_count,
    (
        select count(*) from opened
        where not exists (select 1 from finding.case_event as event where event.case_id = opened.case_id)
    ) as case_without_event_count,
    (select count(*) from opened) as case_count
