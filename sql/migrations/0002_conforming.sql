-- Functions that conform delivered text; the rule of methods/persian.py, for set work.

create function reference.conform(delivered text) returns text
language sql immutable parallel safe as $$
    select btrim(regexp_replace(
        translate(
            delivered,
            -- letters and digits that have a twin, then marks that are dropped, as escapes since most are invisible
            U&'\064A\0649\0643\06C0\0629\0623\0625\0671\0624\0626'
            || U&'\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669'
            || U&'\06F0\06F1\06F2\06F3\06F4\06F5\06F6\06F7\06F8\06F9'
            || U&'\00A0\200C\202F'
            || U&'\0640\064B\064C\064D\064E\064F\0650\0651\0652\0653\0654\0655\0670\200B\200D\200E\200F'
            || U&'\202A\202B\202C\202D\202E\2066\2067\2068\2069\061C\FEFF',
            U&'\06CC\06CC\06A9\0647\0647\0627\0627\0627\0648\06CC'
            || '01234567890123456789' || '   '
        ),
        '\s+', ' ', 'g'
    ))
$$;

create function reference.name_key(delivered text) returns text
language sql immutable parallel safe as $$
    select replace(reference.conform(delivered), ' ', '')
$$;

-- A whole number as delivered, with thousands separators of three scripts, or null.
create function reference.whole_number(delivered text) returns bigint
language sql immutable parallel safe as $$
    select case
        when plain.digits ~ '^-?[0-9]{1,18}(\.0*)?$' then split_part(plain.digits, '.', 1)::bigint
    end
    from (select replace(replace(reference.conform(delivered), ',', ''), U&'\066C', '') as digits) as plain
$$;

-- Year, month and day of a Jalali date as delivered (1403/2/7, ۱۴۰۳-۰۲-۰۷, 14030207), or null.
create function reference.jalali_part(delivered text) returns integer[]
language sql immutable parallel safe as $$
    select coalesce(
        regexp_match(plain.text, '^(1[34][0-9]{2})[/.-]([0-9]{1,2})[/.-]([0-9]{1,2})$'),
        regexp_match(plain.text, '^(1[34][0-9]{2})([0-9]{2})([0-9]{2})$')
    )::integer[]
    from (select reference.conform(delivered) as text) as plain
$$;

-- The check digit of a ten-digit national ID (weights 10 to 2, modulus 11).
create function reference.is_national_id(digits text) returns boolean
language sql immutable parallel safe as $$
    select case
        when digits !~ '^[0-9]{10}$' or digits ~ '^(.)\1{9}$' then false
        else (
            select case when total % 11 < 2 then total % 11 else 11 - total % 11 end
                = substr(digits, 10, 1)::integer
            from (
                select
                    substr(digits, 1, 1)::integer * 10 + substr(digits, 2, 1)::integer * 9
                    + substr(digits, 3, 1)::integer * 8 + substr(digits, 4, 1)::integer * 7
                    + substr(digits, 5, 1)::integer * 6 + substr(digits, 6, 1)::integer * 5
                    + substr(digits, 7, 1)::integer * 4 + substr(digits, 8, 1)::integer * 3
                    + substr(digits, 9, 1)::integer * 2 as total
            ) as weighted
        )
    end
$$;
