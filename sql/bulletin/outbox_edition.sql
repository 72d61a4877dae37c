-- editions of a period whose files are recorded, newest first
-- grain:  one row per cutoff
-- reads:  bulletin.edition, bulletin.file
-- writes: nothing
select edition.cutoff, edition.kind, edition.released_on, edition.supersedes
from bulletin.edition as edition
where
    edition.year = :year and edition.phase = :phase
    and exists (
        select 1 from bulletin.file as file
        where file.year = edition.year and file.phase = edition.phase and file.cutoff = edition.cutoff
    )
order by edition.cutoff desc
