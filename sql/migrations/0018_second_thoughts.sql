-- Other spellings of a province, parted by |, as counties have them.
alter table reference.province add column alt_names text;

-- A refused version counts no longer once the agency has put the accepted one before it back.
alter table landing.delivery add column is_withdrawn boolean not null default false;
