-- what clerks decided of pairs in doubt
-- grain:  one row per pair, the lesser ID on the left
-- reads:  staging.delivery_in_force, staging.linkage_review
-- writes: nothing
select
    least(review.plan_id_left, review.plan_id_right) as plan_id_left,
    greatest(review.plan_id_left, review.plan_id_right) as plan_id_right,
    -- Of two answers that differ neither counts: the pair stays in doubt.
    case when count(distinct review.decision) = 1 then min(review.decision) end as decision
from staging.delivery_in_force(:year, :phase, 'linkage_review', 'infinity') as delivery
inner join staging.linkage_review as review
    on review.year = :year and review.phase = :phase and review.delivery_id = delivery.delivery_id
where review.decision is not null
group by 1, 2
order by 1, 2
