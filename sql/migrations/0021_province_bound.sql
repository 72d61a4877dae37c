-- Which constraint holds a province's or the nation's sample, beside the bounds of strata in sample.allocation.
alter table sample.expected_precision add column binding_bound text not null default 'none'
check (binding_bound in ('none', 'population', 'workload', 'minimum', 'precision'));

alter table sample.expected_precision alter column binding_bound drop default;
