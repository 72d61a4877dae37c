-- Of a large delivery tens of thousands of rows may be given back: references checked row by row cost as much as
-- finding the faults. A form that gives a reason nobody explains is refused as it is loaded.
alter table staging.rejected_row drop constraint rejected_row_delivery_id_fkey;
alter table staging.rejected_row drop constraint rejected_row_reason_code_fkey;

-- Rows are counted as they land, and staging holds that no number came twice: its index cost half a second a million.
do $$
declare
    landed record;
begin
    for landed in
        select relation.oid::regclass as name, held.conname
        from pg_constraint as held
        inner join pg_class as relation on relation.oid = held.conrelid
        where relation.relnamespace = 'landing'::regnamespace and relation.relkind = 'p' and held.contype = 'p'
    loop
        execute format('alter table %s drop constraint %I', landed.name, landed.conname);
    end loop;
end $$;
