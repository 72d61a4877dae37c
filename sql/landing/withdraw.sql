-- versions that count no longer
-- grain:  none
-- reads:
-- writes: landing.delivery (is_withdrawn)
update landing.delivery set is_withdrawn = true
where delivery_id = any(cast(:delivery_ids as text[]))
