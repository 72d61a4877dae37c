-- rejected rows by source, for the bulletin and the agency
-- grain:  one row per source of the period's plans
-- reads:  staging.delivery_in_force, staging.delivery_outcome, reference.source
-- writes: nothing
select
    source.source_code, source.agency_code, source.agency_name, source.is_rehearsal,
    outcome.row_count, outcome.rejected_row_count
from staging.delivery_in_force(:year, :phase, 'loan_plan', cast(:cutoff as date)) as delivery
inner join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
inner join reference.source as source on source.source_code = delivery.source_code
order by source.source_code
