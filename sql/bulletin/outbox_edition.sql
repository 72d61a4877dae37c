-- editions of a period whose files are recorded, newest first
-- grain:  one row per cutoff
-- reads:  bulletin.file
-- writes: nothing
select cutoff, count(*) as file_count
from bulletin.file
where year = :year and phase = :phase
group by cutoff
order by cutoff desc
