-- what was found out while a delivery was read
-- grain:  one row
-- reads:
-- writes: landing.delivery (its notes, the one thing known only after reception)
update landing.delivery set notes = :notes where delivery_id = :delivery_id
