select
    cast(:year as integer) as year,
    cast(:phase as integer) as phase,
    cast(:delivery_id as text) as delivery_id,
    row_number,
    firm_code,
    firm_name,
    firm_name_key,
    province_code,
    capacity_count,
    case when row_fault is not null
        or firm_code is null
        or firm_name_key is null
        or province_code is null
        or capacity_count is null then array_remove(array[
        case when row_fault is not null then row_fault || ' row' end,
        case when firm_code is null and coalesce(btrim(firm_code_cell), '') = '' then 'missing' || ' firm_code' || coalesce(' ' || firm_code_cell, '') end,
        case when firm_code is null and not coalesce(btrim(firm_code_cell), '') = '' then case when length(firm_code_cell) > 100 then 'code_too_long' else 'missing' end || ' firm_code' || coalesce(' ' || firm_code_cell, '') end,
        case when firm_name_key is null and coalesce(btrim(firm_name_cell), '') = '' then 'missing' || ' firm_name' || coalesce(' ' || firm_name_cell, '') end,
        case when firm_name_key is null and not coalesce(btrim(firm_name_cell), '') = '' then 'missing' || ' firm_name' || coalesce(' ' || firm_name_cell, '') end,
        case when province_code is null and coalesce(btrim(province_cell), '') = '' then 'missing' || ' province' || coalesce(' ' || province_cell, '') end,
        case when province_code is null and not coalesce(btrim(province_cell), '') = '' then coalesce(province_reason, 'province_unknown') || ' province' || coalesce(' ' || province_cell, '') end,
        case when capacity_count is null and coalesce(btrim(capacity_count_cell), '') = '' then 'missing' || ' capacity_count' || coalesce(' ' || capacity_count_cell, '') end,
        case when capacity_count is null and not coalesce(btrim(capacity_count_cell), '') = '' then 'number_out_of_range' || ' capacity_count' || coalesce(' ' || capacity_count_cell, '') end
    ], null) end as faults
from (
select
    row_number,
    row_fault,
    firm_code_cell,
    firm_name_cell,
    province_cell,
    capacity_count_cell,
    case when province is null and province_cell is not null then nullif(coalesce((select jsonb_object_agg(delivered, coalesce(reason_code, '')) filter (where value is null) from staging.delivered_value where delivery_id = :delivery_id and column_name = 'province')
    ->> province_cell, 'province_unknown'), '') end as province_reason,
    case when length(firm_code) <= 100 then firm_code end as firm_code,
    firm_name as firm_name,
    firm_name_key as firm_name_key,
    province as province_code,
    case when capacity_count between 1 and 1000000 then cast(capacity_count as integer) end as capacity_count
from (
select
    landed.row_number,
    landed.row_fault,
    landed.firm_code as firm_code_cell,
    upper(nullif(reference.conform(landed.firm_code), '')) as firm_code,
    landed.firm_name as firm_name_cell,
    nullif(btrim(landed.firm_name), '') as firm_name,
    nullif(reference.name_key(landed.firm_name), '') as firm_name_key,
    landed.province as province_cell,
    (select jsonb_object_agg(delivered, value) filter (where value is not null) from staging.delivered_value where delivery_id = :delivery_id and column_name = 'province')
    ->> landed.province as province,
    landed.capacity_count as capacity_count_cell,
    reference.whole_number(landed.capacity_count) as capacity_count
from landing.firm as landed
where landed.delivery_id = :delivery_id
offset bigint '0') as cell
offset bigint '0') as typed
