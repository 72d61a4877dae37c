-- frame.desk_verification
-- grain:  one row per eligible plan
-- reads:  desk_fact
-- writes: frame.desk_verification (replace)
with
settled as (
    select settled.combination, settled.desk_status
    from jsonb_to_recordset(cast(:statuses as jsonb)) as settled (combination text, desk_status text)
)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, desk_fact.plan_id,
    desk_fact.insured_worker_count, desk_fact.has_insurance, desk_fact.sms_outcome, desk_fact.phone_outcome,
    desk_fact.last_contacted_on, settled.desk_status, cast(:guideline as text) as guideline
from desk_fact
inner join settled on settled.combination = desk_fact.combination
