-- the visits given back to their source
-- grain:  one row per refused visit
-- reads:  inspection.refused_visit, landing.delivery
-- writes: nothing
select
    delivery.source_code, refused.delivery_id, refused.row_number, refused.visit_id, refused.plan_id, refused.level,
    refused.reason_code, refused.place, refused.found, refused.wanted
from inspection.refused_visit as refused
inner join landing.delivery as delivery on delivery.delivery_id = refused.delivery_id
where refused.year = :year and refused.phase = :phase and refused.cutoff = :cutoff
order by refused.delivery_id, refused.row_number
