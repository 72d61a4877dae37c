-- files of an edition as recorded when it was printed
-- grain:  one row per file_name
-- reads:  bulletin.file
-- writes: nothing
select file_name, byte_count, sha256
from bulletin.file
where year = :year and phase = :phase and cutoff = :cutoff
order by file_name
