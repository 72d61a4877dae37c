-- frame.excluded_plan
-- grain:  one row per accepted plan that is not in the frame
-- reads:  candidate
-- writes: frame.excluded_plan (replace)
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, plan_id, agency_code,
    case
        when not is_paid_in_year then 'paid_outside_year'
        when not is_large_enough then 'loan_below_minimum'
        else 'overlap'
    end as reason_code,
    case when is_paid_in_year and is_large_enough then kept_plan_id end as kept_plan_id
from candidate
where not is_paid_in_year or not is_large_enough or kept_plan_id <> plan_id
