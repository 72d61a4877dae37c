-- files of an edition as they were recorded
-- grain:  one row per file
-- reads:  bulletin.file
-- writes: nothing
select file_name, byte_count, sha256
from bulletin.file
where year = :year and phase = :phase and cutoff = :cutoff
order by file_name
