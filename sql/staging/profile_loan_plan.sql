-- staging.delivery_profile
-- grain:  one row per column and bin of one delivery
-- reads:  landing.loan_plan, staging.loan_plan
-- writes: staging.delivery_profile (replace per delivery)
with
cell as (
    select
        count(*) as row_count,
        count(*) filter (where btrim(plan_number) <> '') as plan_number,
        count(*) filter (where btrim(national_id) <> '') as national_id,
        count(*) filter (where btrim(applicant_name) <> '') as applicant_name,
        count(*) filter (where btrim(province) <> '') as province,
        count(*) filter (where btrim(county) <> '') as county,
        count(*) filter (where btrim(budget_note) <> '') as budget_note,
        count(*) filter (where btrim(activity_code) <> '') as activity_code,
        count(*) filter (where btrim(plan_kind) <> '') as plan_kind,
        count(*) filter (where btrim(approved_on) <> '') as approved_on,
        count(*) filter (where btrim(paid_on) <> '') as paid_on,
        count(*) filter (where btrim(loan_approved_rial) <> '') as loan_approved_rial,
        count(*) filter (where btrim(loan_paid_rial) <> '') as loan_paid_rial,
        count(*) filter (where btrim(job_commitment_count) <> '') as job_commitment_count,
        count(*) filter (where btrim(registered_job_count) <> '') as registered_job_count,
        count(*) filter (where btrim(bank_code) <> '') as bank_code,
        count(*) filter (where btrim(programme_code) <> '') as programme_code,
        count(*) filter (where btrim(sex) <> '') as sex,
        count(*) filter (where btrim(birth_year) <> '') as birth_year,
        count(*) filter (where btrim(settlement) <> '') as settlement,
        count(*) filter (where btrim(is_disabled) <> '') as is_disabled,
        count(*) filter (where btrim(advising_firm_code) <> '') as advising_firm_code,
        count(*) filter (where btrim(latitude) <> '') as latitude,
        count(*) filter (where btrim(longitude) <> '') as longitude
    from landing.loan_plan
    where delivery_id = :delivery_id
),
filled as (
    select filled.column_name, filled.filled_count, cell.row_count
    from cell
    cross join lateral (
        values
        ('plan_number', plan_number), ('national_id', national_id), ('applicant_name', applicant_name),
        ('province', province), ('county', county), ('budget_note', budget_note),
        ('activity_code', activity_code), ('plan_kind', plan_kind), ('approved_on', approved_on),
        ('paid_on', paid_on), ('loan_approved_rial', loan_approved_rial), ('loan_paid_rial', loan_paid_rial),
        ('job_commitment_count', job_commitment_count), ('registered_job_count', registered_job_count),
        ('bank_code', bank_code), ('programme_code', programme_code), ('sex', sex), ('birth_year', birth_year),
        ('settlement', settlement), ('is_disabled', is_disabled), ('advising_firm_code', advising_firm_code),
        ('latitude', latitude), ('longitude', longitude)
    ) as filled (column_name, filled_count)
),
value as (
    select
        province_code,
        plan_kind,
        staging.amount_band(loan_paid_rial) as loan_paid_rial,
        count(*) as row_count,
        sum(loan_paid_rial) as total_rial
    from staging.loan_plan
    where year = :year and phase = :phase and delivery_id = :delivery_id
    group by province_code, plan_kind, staging.amount_band(loan_paid_rial)
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
    sum(value.total_rial) filter (where binned.column_name = 'loan_paid_rial') as total_rial
from value
cross join lateral (
    values
    ('province_code', value.province_code), ('plan_kind', value.plan_kind), ('loan_paid_rial', value.loan_paid_rial)
) as binned (column_name, bin)
group by binned.column_name, binned.bin
