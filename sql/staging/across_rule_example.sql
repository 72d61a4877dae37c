-- examples of what contradicts a rule, by delivery and row
-- grain:  one row per contradiction of a rule, at most as many as asked for
-- reads:  staging.contradiction
-- writes: nothing
select delivery_id, row_number, plan_id, what
from staging.contradiction
where year = :year and phase = :phase and rule_code = :rule_code
-- Rows of one subject stand together.
order by subject_id, delivery_id, row_number
limit :example_count
