-- every fault of the rows of one delivery that were given back
-- grain:  one row per row and fault
-- reads:  staging.rejected_row, reference.reject_reason
-- writes: nothing
select
    rejected.row_number, rejected.column_name, rejected.reason_code, reason.reason_fa, reason.remedy_fa,
    rejected.found, rejected.candidates
from staging.rejected_row as rejected
inner join reference.reject_reason as reason on reason.reason_code = rejected.reason_code
where rejected.delivery_id = :delivery_id
order by rejected.row_number, rejected.column_name
