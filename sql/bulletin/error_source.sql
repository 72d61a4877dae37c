-- the accuracy rate of a unit as it is, and with what else it errs by
-- grain:  one row per way of stating it; only what was measured
-- reads:  estimate.error_source
-- writes: nothing
select stated.code, stated.estimate, stated.lower, stated.upper
from estimate.error_source as source
cross join lateral (
    values
    (1, 'raw', source.estimate, source.lower, source.upper),
    (2, 'adjusted', source.adjusted_estimate, source.adjusted_lower, source.adjusted_upper),
    (3, 'corrected', source.corrected_estimate, source.corrected_lower, source.corrected_upper)
) as stated (place, code, estimate, lower, upper)
where
    source.year = :year and source.phase = :phase and source.cutoff = :cutoff and source.unit_code = :unit_code
    and source.indicator = 'accuracy_rate' and stated.estimate is not null and stated.lower is not null
    -- The raw rate stands above already: alone it would say nothing new.
    and coalesce(source.adjusted_estimate, source.corrected_estimate) is not null
order by stated.place
