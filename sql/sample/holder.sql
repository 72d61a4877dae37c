-- who has been in charge of a plan at some levels, now or before
-- grain:  one row per plan, level and spell
-- reads:  sample.assignment_history
-- writes: nothing
select plan_id, level, firm_code, inspector_code
from sample.assignment_history
where year = :year and phase = :phase and level = any(cast(:levels as text[]))
order by plan_id, level, spell_number
