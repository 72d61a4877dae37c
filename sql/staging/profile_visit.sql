-- staging.delivery_profile
-- grain:  one row per column and bin of one delivery
-- reads:  landing.visit, staging.visit
-- writes: staging.delivery_profile (replace per delivery)
with
cell as (
    select
        count(*) as row_count,
        count(*) filter (where btrim(visit_id) <> '') as visit_id,
        count(*) filter (where btrim(plan_id) <> '') as plan_id,
        count(*) filter (where btrim(firm_code) <> '') as firm_code,
        count(*) filter (where btrim(inspector_code) <> '') as inspector_code,
        count(*) filter (where btrim(visited_on) <> '') as visited_on,
        count(*) filter (where btrim(contact_outcome) <> '') as contact_outcome,
        count(*) filter (where btrim(is_final) <> '') as is_final,
        count(*) filter (where btrim(has_rule_breach) <> '') as has_rule_breach,
        count(*) filter (where btrim(loan_use) <> '') as loan_use,
        count(*) filter (where btrim(is_running) <> '') as is_running,
        count(*) filter (where btrim(jobs_found_count) <> '') as jobs_found_count,
        count(*) filter (where btrim(level) <> '') as level,
        count(*) filter (where btrim(started_minute) <> '') as started_minute,
        count(*) filter (where btrim(ended_minute) <> '') as ended_minute,
        count(*) filter (where btrim(latitude) <> '') as latitude,
        count(*) filter (where btrim(longitude) <> '') as longitude,
        count(*) filter (where btrim(photo_sha256) <> '') as photo_sha256,
        count(*) filter (where btrim(sales_rial) <> '') as sales_rial,
        count(*) filter (where btrim(asset_rial) <> '') as asset_rial
    from landing.visit
    where delivery_id = :delivery_id
),
filled as (
    select filled.column_name, filled.filled_count, cell.row_count
    from cell
    cross join lateral (
        values
        ('visit_id', visit_id), ('plan_id', plan_id), ('firm_code', firm_code),
        ('inspector_code', inspector_code), ('visited_on', visited_on), ('contact_outcome', contact_outcome),
        ('is_final', is_final), ('has_rule_breach', has_rule_breach), ('loan_use', loan_use),
        ('is_running', is_running), ('jobs_found_count', jobs_found_count),
        ('level', level), ('started_minute', started_minute), ('ended_minute', ended_minute), ('latitude', latitude),
        ('longitude', longitude), ('photo_sha256', photo_sha256), ('sales_rial', sales_rial), ('asset_rial', asset_rial)
    ) as filled (column_name, filled_count)
),
value as (
    select
        level,
        contact_outcome,
        loan_use,
        cast(is_running as text) as is_running,
        count(*) as row_count,
        cast(null as numeric) as total_rial
    from staging.visit
    where year = :year and phase = :phase and delivery_id = :delivery_id
    group by level, contact_outcome, loan_use, cast(is_running as text)
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
    values
    ('level', value.level), ('contact_outcome', value.contact_outcome), ('loan_use', value.loan_use), ('is_running', value.is_running)
) as binned (column_name, bin)
group by binned.column_name, binned.bin
