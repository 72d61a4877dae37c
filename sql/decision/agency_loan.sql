-- loans paid by agency in the frame
-- grain:  one row per agency
-- reads:  frame.eligible_plan
-- writes: nothing
select agency_code, sum(loan_paid_rial)::bigint as loan_paid_rial
from frame.eligible_plan
where year = :year and phase = :phase
group by agency_code
order by agency_code
