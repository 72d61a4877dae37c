-- why rows of one delivery were given back
-- grain:  one row per reason
-- reads:  staging.rejected_row, reference.reject_reason
-- writes: nothing
select
    rejected.reason_code, reason.reason_fa, reason.remedy_fa,
    count(distinct rejected.row_number) as row_count
from staging.rejected_row as rejected
inner join reference.reject_reason as reason on reason.reason_code = rejected.reason_code
where rejected.delivery_id = :delivery_id
group by rejected.reason_code, reason.reason_fa, reason.remedy_fa
order by row_count desc, rejected.reason_code asc
