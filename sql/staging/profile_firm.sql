-- staging.delivery_profile
-- grain:  one row per column and bin of one delivery
-- reads:  landing.firm, staging.firm
-- writes: staging.delivery_profile (replace per delivery)
with
cell as (
    select
        count(*) as row_count,
        count(*) filter (where btrim(firm_code) <> '') as firm_code,
        count(*) filter (where btrim(firm_name) <> '') as firm_name,
        count(*) filter (where btrim(province) <> '') as province,
        count(*) filter (where btrim(capacity_count) <> '') as capacity_count
    from landing.firm
    where delivery_id = :delivery_id
),
filled as (
    select filled.column_name, filled.filled_count, cell.row_count
    from cell
    cross join lateral (
        values
        ('firm_code', firm_code), ('firm_name', firm_name), ('province', province),
        ('capacity_count', capacity_count)
    ) as filled (column_name, filled_count)
),
value as (
    select
        province_code,
        count(*) as row_count,
        cast(null as numeric) as total_rial
    from staging.firm
    where year = :year and phase = :phase and delivery_id = :delivery_id
    group by province_code
)
select
    cast(:delivery_id as text) as delivery_id, 'delivered' as basis, filled.column_name, cell.bin, cell.row_count,
    cast(null as numeric) as total_rial
from filled
cross join lateral (
    values ('filled', filled.filled_count), ('empty', filled.row_count - filled.filled_count)
) as cell (bin, row_count)
union all
select
    :delivery_id as delivery_id, 'accepted' as basis, binned.column_name, coalesce(binned.bin, 'empty') as bin,
    cast(sum(value.row_count) as bigint) as row_count,
    null as total_rial
from value
cross join lateral (
    values ('province_code', value.province_code)
) as binned (column_name, bin)
group by binned.column_name, binned.bin
