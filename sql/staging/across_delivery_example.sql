-- examples of what in one delivery contradicts a rule, for the agency
-- grain:  one row per contradiction, at most as many a rule as asked for
-- reads:  staging.contradiction, staging.contradiction_rule
-- writes: nothing
with
numbered as (
    select
        rule_code, row_number, plan_id, what,
        count(*) over (partition by rule_code) as row_count,
        row_number() over (partition by rule_code order by row_number) as example_number
    from staging.contradiction
    where delivery_id = :delivery_id
)
select
    numbered.rule_code, rule.label_fa, numbered.row_count, numbered.row_number, numbered.plan_id, numbered.what
from numbered
inner join staging.contradiction_rule as rule on rule.rule_code = numbered.rule_code
where numbered.example_number <= :example_count
order by numbered.rule_code, numbered.row_number
