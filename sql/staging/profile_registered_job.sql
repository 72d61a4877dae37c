-- staging.delivery_profile
-- grain:  one row per column and bin of one delivery
-- reads:  landing.registered_job, staging.registered_job
-- writes: staging.delivery_profile (replace per delivery)
with
cell as (
    select
        count(*) as row_count,
        count(*) filter (where btrim(plan_number) <> '') as plan_number,
        count(*) filter (where btrim(worker_national_id) <> '') as worker_national_id,
        count(*) filter (where btrim(started_on) <> '') as started_on,
        count(*) filter (where btrim(ended_on) <> '') as ended_on,
        count(*) filter (where btrim(is_insured) <> '') as is_insured
    from landing.registered_job
    where delivery_id = :delivery_id
),
filled as (
    select filled.column_name, filled.filled_count, cell.row_count
    from cell
    cross join lateral (
        values
        ('plan_number', plan_number), ('worker_national_id', worker_national_id), ('started_on', started_on),
        ('ended_on', ended_on), ('is_insured', is_insured)
    ) as filled (column_name, filled_count)
),
value as (
    select
        cast(is_insured as text) as is_insured,
        count(*) as row_count,
        cast(null as numeric) as total_rial
    from staging.registered_job
    where year = :year and phase = :phase and delivery_id = :delivery_id
    group by cast(is_insured as text)
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
    values ('is_insured', value.is_insured)
) as binned (column_name, bin)
group by binned.column_name, binned.bin
