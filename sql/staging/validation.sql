-- the newest judgement of each suite over a batch
-- grain:  one row per suite
-- reads:  control.validation
-- writes: nothing
select distinct on (suite) suite, findings
from control.validation
where batch = :batch
order by suite asc, validation_id desc
