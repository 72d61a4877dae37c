-- staging.delivery_profile
-- grain:  one row per column and bin of one delivery
-- reads:  landing.payment, staging.payment
-- writes: staging.delivery_profile (replace per delivery)
with
cell as (
    select
        count(*) as row_count,
        count(*) filter (where btrim(plan_number) <> '') as plan_number,
        count(*) filter (where btrim(national_id) <> '') as national_id,
        count(*) filter (where btrim(paid_on) <> '') as paid_on,
        count(*) filter (where btrim(amount_rial) <> '') as amount_rial,
        count(*) filter (where btrim(iban) <> '') as iban
    from landing.payment
    where delivery_id = :delivery_id
),
filled as (
    select filled.column_name, filled.filled_count, cell.row_count
    from cell
    cross join lateral (
        values
        ('plan_number', plan_number), ('national_id', national_id), ('paid_on', paid_on),
        ('amount_rial', amount_rial), ('iban', iban)
    ) as filled (column_name, filled_count)
),
value as (
    select
        staging.amount_band(amount_rial) as amount_rial,
        count(*) as row_count,
        sum(amount_rial) as total_rial
    from staging.payment
    where year = :year and phase = :phase and delivery_id = :delivery_id
    group by staging.amount_band(amount_rial)
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
    sum(value.total_rial) filter (where binned.column_name = 'amount_rial') as total_rial
from value
cross join lateral (
    values ('amount_rial', value.amount_rial)
) as binned (column_name, bin)
group by binned.column_name, binned.bin
