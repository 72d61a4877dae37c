-- rejected rows by source, for the bulletin and the agency
-- grain:  one row per source of the period's plans
-- reads:  staging.accepted_delivery, reference.source
-- writes: nothing
select distinct on (source.source_code)
    source.source_code, source.agency_code, source.agency_name, source.is_rehearsal,
    delivery.row_count, delivery.rejected_row_count
from staging.accepted_delivery as delivery
inner join reference.source as source on source.source_code = delivery.source_code
where delivery.year = :year and delivery.phase = :phase and delivery.form = 'loan_plan'
order by source.source_code asc, delivery.received_at desc
