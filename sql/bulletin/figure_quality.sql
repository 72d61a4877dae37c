-- how many estimates of an edition are strong enough to print
-- grain:  one row per level, whole or part, and letter of quality
-- reads:  bulletin.printed_figure
-- writes: nothing
select level, domain = 'all' as is_whole, quality, count(*) as figure_count
from bulletin.printed_figure
where year = :year and phase = :phase and cutoff = :cutoff and basis = 'estimated'
group by level, domain = 'all', quality
order by level, is_whole desc, quality
