-- the seed a round is committed to
-- grain:  at most one row
-- reads:  sample.seed_commitment
-- writes: nothing
select seed_sha256, committed_on
from sample.seed_commitment
where year = :year and phase = :phase
