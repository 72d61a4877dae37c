-- frame.excluded_plan
-- grain:  one row per accepted plan that is not in the frame
-- reads:  candidate
-- writes: frame.excluded_plan (replace)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, plan_id, agency_code,
    coalesce(reason_code, 'overlap') as reason_code,
    case when reason_code is null then kept_plan_id end as kept_plan_id
from candidate
where reason_code is not null or kept_plan_id <> plan_id
