-- staging.delivery_profile
-- grain:  one row per column and bin of one delivery
-- reads:  landing.insurance_record
-- writes: staging.delivery_profile (replace per delivery)
with
cell as (
    select
        count(*) as row_count,
        count(*) filter (where btrim(national_id) <> '') as national_id,
        count(*) filter (where btrim(employer_legal_id) <> '') as employer_legal_id,
        count(*) filter (where btrim(started_on) <> '') as started_on,
        count(*) filter (where btrim(ended_on) <> '') as ended_on
    from landing.insurance_record
    where delivery_id = :delivery_id
),
filled as (
    select filled.column_name, filled.filled_count, cell.row_count
    from cell
    cross join lateral (
        values
        ('national_id', national_id), ('employer_legal_id', employer_legal_id), ('started_on', started_on),
        ('ended_on', ended_on)
    ) as filled (column_name, filled_count)
)
select
    cast(:delivery_id as text) as delivery_id, 'delivered' as basis, filled.column_name, cell.bin, cell.row_count,
    cast(null as numeric) as total_rial
from filled
cross join lateral (
    values ('filled', filled.filled_count), ('empty', filled.row_count - filled.filled_count)
) as cell (bin, row_count)
