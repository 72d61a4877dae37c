-- columns of a table's primary key
-- grain:  one row per column
-- reads:  pg_index
-- writes: nothing
select attribute.attname
from pg_index as index
inner join pg_attribute as attribute
    on attribute.attrelid = index.indrelid and attribute.attnum = any(index.indkey)
where index.indrelid = cast(:table as regclass) and index.indisprimary
