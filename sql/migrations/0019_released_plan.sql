-- Plans of the reserve that were released to inspectors after the list was issued. Append only.
create table sample.released_plan (
    year integer not null,
    phase integer not null,
    plan_id text not null,
    released_on date not null,
    primary key (year, phase, plan_id)
);

-- Every plan that someone is to inspect: those drawn first, and those released.
create view sample.listed_plan as
select year, phase, plan_id, province_code, county_code from sample.drawn_plan
union all
select released.year, released.phase, released.plan_id, frame.province_code, frame.county_code
from sample.released_plan as released
inner join frame.eligible_plan as frame
    on frame.year = released.year and frame.phase = released.phase and frame.plan_id = released.plan_id;

-- The list by the end of a day: what was issued, and what was released since. n_h + k_h plans of a stratum are again
-- a simple random sample, so each of them has the probability (n_h + k_h) / N_h.
create function sample.issued_at(asked_year integer, asked_phase integer, asked_on date)
returns table (
    plan_id text, agency_code text, province_code text, county_code text, stratum_code text,
    stratum_population_count integer, stratum_sample_count integer, inclusion_probability double precision,
    plan_kind text, registered_job_count integer, loan_paid_rial bigint, firm_code text, inspector_code text,
    is_released boolean
)
language sql stable parallel safe as $$
    with
    released as (
        select out.plan_id, reserve.stratum_code
        from sample.released_plan as out
        inner join sample.reserve_plan as reserve
            on reserve.year = out.year and reserve.phase = out.phase and reserve.plan_id = out.plan_id
        where out.year = asked_year and out.phase = asked_phase and out.released_on <= asked_on
    ),
    grown as (
        select stratum_code, cast(count(*) as integer) as plan_count from released group by stratum_code
    ),
    issued as (
        select first.*, coalesce(grown.plan_count, 0) as released_count
        from sample.issued_plan as first
        left join grown on grown.stratum_code = first.stratum_code
        where first.year = asked_year and first.phase = asked_phase
    ),
    stratum as (
        select distinct on (stratum_code) stratum_code, stratum_population_count, stratum_sample_count, released_count
        from issued
        where released_count > 0
        order by stratum_code
    )
    select
        plan_id, agency_code, province_code, county_code, stratum_code, stratum_population_count,
        stratum_sample_count + released_count,
        case
            when released_count = 0 then inclusion_probability
            else cast(stratum_sample_count + released_count as double precision) / stratum_population_count
        end,
        plan_kind, registered_job_count, loan_paid_rial, firm_code, inspector_code, false
    from issued
    union all
    select
        released.plan_id, frame.agency_code, frame.province_code, frame.county_code, released.stratum_code,
        stratum.stratum_population_count, stratum.stratum_sample_count + stratum.released_count,
        cast(stratum.stratum_sample_count + stratum.released_count as double precision)
        / stratum.stratum_population_count,
        frame.plan_kind, frame.registered_job_count, frame.loan_paid_rial, assignment.firm_code,
        assignment.inspector_code, true
    from released
    inner join stratum on stratum.stratum_code = released.stratum_code
    inner join frame.eligible_plan as frame
        on frame.year = asked_year and frame.phase = asked_phase and frame.plan_id = released.plan_id
    left join sample.assignment as assignment
        on assignment.year = asked_year and assignment.phase = asked_phase
        and assignment.plan_id = released.plan_id and assignment.level = 'county'
$$;
