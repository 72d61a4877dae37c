-- the provinces, to read delivered names and codes by
-- grain:  one row per province
-- reads:  reference.province
-- writes: nothing
select province_code, name_fa, alt_names from reference.province order by province_code
