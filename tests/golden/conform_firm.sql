create temp table conformed on commit drop as
select
    row_number,
    firm_code,
    firm_name,
    firm_name_key,
    province_code,
    capacity_count,
    case when row_fault is not null
        or firm_code is null and coalesce(btrim(firm_code_cell), '') = ''
        or firm_code is null and not coalesce(btrim(firm_code_cell), '') = ''
        or firm_name_key is null and coalesce(btrim(firm_name_cell), '') = ''
        or firm_name_key is null and not coalesce(btrim(firm_name_cell), '') = ''
        or province_code is null and coalesce(btrim(province_cell), '') = ''
        or province_code is null and not coalesce(btrim(province_cell), '') = '' and province_reason is not null
        or capacity_count is null and coalesce(btrim(capacity_count_cell), '') = ''
        or capacity_count is null and not coalesce(btrim(capacity_count_cell), '') = '' then array_remove(array[
        case when row_fault is not null then row_fault || ' row' end,
        case when firm_code is null and coalesce(btrim(firm_code_cell), '') = '' then 'missing' || ' firm_code' end,
        case when firm_code is null and not coalesce(btrim(firm_code_cell), '') = '' then 'missing' || ' firm_code' end,
        case when firm_name_key is null and coalesce(btrim(firm_name_cell), '') = '' then 'missing' || ' firm_name' end,
        case when firm_name_key is null and not coalesce(btrim(firm_name_cell), '') = '' then 'missing' || ' firm_name' end,
        case when province_code is null and coalesce(btrim(province_cell), '') = '' then 'missing' || ' province' end,
        case when province_code is null and not coalesce(btrim(province_cell), '') = '' and province_reason is not null then province_reason || ' province' end,
        case when capacity_count is null and coalesce(btrim(capacity_count_cell), '') = '' then 'missing' || ' capacity_count' end,
        case when capacity_count is null and not coalesce(btrim(capacity_count_cell), '') = '' then 'number_out_of_range' || ' capacity_count' end
    ], null) end as faults
from (
select
    row_number,
    row_fault,
    firm_code_cell,
    firm_name_cell,
    province_cell,
    capacity_count_cell,
    province_reason,
    firm_code as firm_code,
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
    province_read.value as province,
    case when province_read.delivered is null then 'province_unknown' else province_read.reason_code end as province_reason,
    landed.capacity_count as capacity_count_cell,
    reference.whole_number(landed.capacity_count) as capacity_count
from landing.firm as landed
left join staging.delivered_value as province_read
    on province_read.delivery_id = :delivery_id and province_read.column_name = 'province' and province_read.delivered = landed.province
where landed.delivery_id = :delivery_id
offset 0) as cell
offset 0) as typed
