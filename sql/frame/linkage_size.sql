-- how many plans lack a national ID, and how common one plan under two agencies is among the others
-- grain:  one row
-- reads:  candidate
-- writes: nothing
with
same_plan as (
    select same_plan_id, count(*) as plan_count
    from candidate
    where reason_code is null and national_id is not null
    group by same_plan_id
)
select
    (select count(*) from candidate where reason_code is null and national_id is null) as plan_without_id_count,
    coalesce(sum(plan_count), 0) as plan_with_id_count,
    coalesce(sum(plan_count * (plan_count - 1) / 2), 0) as same_pair_count
from same_plan
