-- the accuracy rate of a province's counties where the model's is the one that is printed
-- grain:  one row per county
-- reads:  estimate.small_area
-- writes: nothing
select county_code, published as estimate, lower, upper
from estimate.small_area
where
    year = :year and phase = :phase and cutoff = :cutoff and province_code = :province_code
    and indicator = 'accuracy_rate' and published_method = 'model'
