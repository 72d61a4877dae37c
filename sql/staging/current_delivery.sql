-- the newest delivery of a source, and what became of it
-- grain:  one row at most
-- reads:  landing.delivery, staging.delivery_outcome
-- writes: nothing
select
    delivery.delivery_id, delivery.form, delivery.received_on, delivery.sha256, delivery.version,
    delivery.byte_count, delivery.file_name, delivery.notes, delivery.patched_delivery_id, delivery.is_correction,
    outcome.status, outcome.row_count, outcome.rejected_row_count,
    outcome.source_version, outcome.refusal
from landing.delivery as delivery
left join staging.delivery_outcome as outcome on outcome.delivery_id = delivery.delivery_id
where
    delivery.year = :year and delivery.phase = :phase and delivery.source_code = :source_code
    and not delivery.is_withdrawn
order by delivery.version desc
limit 1
