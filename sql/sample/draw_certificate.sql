-- the certificate that was frozen with a sample
-- grain:  at most one row
-- reads:  sample.draw_certificate
-- writes: nothing
select certificate
from sample.draw_certificate
where year = :year and phase = :phase
