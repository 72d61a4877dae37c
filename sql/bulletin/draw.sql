-- what lets anyone repeat the draw
-- grain:  one row, none where nothing was drawn
-- reads:  sample.draw_certificate, sample.seed_commitment
-- writes: nothing
select
    encode(sha256(convert_to(certificate.certificate, 'UTF8')), 'hex') as certificate_sha256,
    commitment.seed_sha256, commitment.committed_on
from sample.draw_certificate as certificate
left join sample.seed_commitment as commitment
    on commitment.year = certificate.year and commitment.phase = certificate.phase
where certificate.year = :year and certificate.phase = :phase
