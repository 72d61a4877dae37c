-- pg_temp.conformed_firm
-- grain:  one row per delivered row of one delivery
-- reads:  landing.firm, reference.province
-- writes: a temporary table, dropped with the transaction
create temp table conformed_firm on commit drop as
select
    firm.row_number, firm.row_fault, firm.province,
    upper(reference.conform(firm.firm_code)) as firm_code,
    btrim(firm.firm_name) as firm_name,
    province.province_code,
    firm.capacity_count as capacity_text,
    reference.whole_number(firm.capacity_count) as capacity_count,
    row_number() over (partition by reference.conform(firm.firm_code) order by firm.row_number) as occurrence
from landing.firm as firm
left join reference.province as province
    on province.province_code = lpad(reference.conform(firm.province), 2, '0')
    or province.name_key = reference.name_key(firm.province)
where firm.delivery_id = :delivery_id
