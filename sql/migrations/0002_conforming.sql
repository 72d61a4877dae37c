-- Functions that read delivered text: the rules of methods/persian.py and methods/amount.py, for set work.
-- Each of them looks first whether the cell is as cells mostly are, in one expression the planner inlines; what is
-- left goes to its `rare_` function. Strictness there spares a call for every
-- empty cell, and `offset 0` keeps the planner from writing a step out wherever its result is used.

-- Presentation forms (U+FB50 to U+FDFF, U+FE70 to U+FEFC) become the letters they show; as in Python, a lone vowel
-- sign leaves its space behind.
create function reference.spelt_out(delivered text) returns text
language sql immutable strict parallel safe as $$
    select string_agg(
        case when sign ~ U&'[\FB50-\FDFF\FE70-\FEFC]' then ltrim(normalize(sign, nfkc), ' ') else sign end,
        '' order by place
    )
    from string_to_table(delivered, null) with ordinality as letter (sign, place)
$$;

create function reference.rare_conform(delivered text) returns text
language sql immutable strict parallel safe as $$
    select btrim(
        -- A half-space is white space too, once «ه‌ی» at a word's end is «ه».
        regexp_replace(
            regexp_replace(
                case when strpos(plain.text, U&'\0653') > 0
                    then replace(replace(plain.text, U&'\0627\0653', U&'\0622'), U&'\0653', '')
                    else plain.text
                end,
                U&'\0647\200C\06CC(?![^ \200C])', U&'\0647', 'g'
            ),
            U&'[ \200C]+', ' ', 'g'
        ),
        ' '
    )
    from (
        select translate(
            regexp_replace(
                regexp_replace(
                    case when delivered ~ U&'[\FB50-\FDFF\FE70-\FEFC]'
                        then reference.spelt_out(delivered) else delivered
                    end,
                    -- vowel signs and Koranic marks, tatweel, signs nobody sees
                    U&'[\0610-\061A\064B-\0652\0654-\065F\0670\06D6-\06DC\06DF-\06E4\06E7\06E8\06EA-\06ED\0640'
                    || U&'\00AD\061C\200B\200D-\200F\202A-\202E\2060-\2064\2066-\2069\FEFF]+',
                    '', 'g'
                ),
                -- all that str.split() and \s know between them
                U&'[\0009-\000D\001C-\001F\0085\00A0\1680\2000-\200A\2028\2029\202F\205F\3000]', ' ', 'g'
            ),
            U&'\064A\0649\0626\06D2\06D3\06D0\06CD\0643\06AA\06C0\0629\06C1\06BE\06D5\06C2\06C3\0623\0625\0671\0624'
            || U&'\06F0\06F1\06F2\06F3\06F4\06F5\06F6\06F7\06F8\06F9'
            || U&'\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669',
            U&'\06CC\06CC\06CC\06CC\06CC\06CC\06CC\06A9\06A9\0647\0647\0647\0647\0647\0647\0647\0627\0627\0627\0648'
            || '01234567890123456789'
        ) as text
        offset 0
    ) as plain
$$;

create function reference.conform(delivered text) returns text
language sql immutable parallel safe as $$
    select case
        -- A code, a number: nothing to change.
        when delivered !~ '[^!-~]' then delivered
        -- Persian letters, marks of ٫ ٬ ، ؛ ؟ « » and printable ASCII stay as they are; Arabic ya and kaf are by far the
        -- commonest that do not, then digits.
        when delivered !~ U&'[^ -~\060C\061B\061F\00AB\00BB\066B\066C\0621\0622\0627\0628\062A-\063A\0641-\0648\064A'
            '\067E\0686\0698\06A9\06AF\06CC]|  '
            then btrim(translate(delivered, U&'\064A\0643', U&'\06CC\06A9'), ' ')
        when delivered !~ U&'[^ -~\060C\061B\061F\00AB\00BB\066B\066C\0621\0622\0627\0628\062A-\063A\0641-\0648\064A'
            '\067E\0686\0698\06A9\06AF\06CC\06F0-\06F9\0660-\0669]|  '
            then btrim(translate(
            delivered,
            U&'\064A\0643\06F0\06F1\06F2\06F3\06F4\06F5\06F6\06F7\06F8\06F9'
            '\0660\0661\0662\0663\0664\0665\0666\0667\0668\0669',
            U&'\06CC\06A901234567890123456789'
        ), ' ')
        else reference.rare_conform(delivered)
    end
$$;

-- What is conformed, without its spaces: of half-spaces only those behind a ه say more than a space does.
create function reference.name_key(delivered text) returns text
language sql immutable parallel safe as $$
    select case
        when delivered !~ U&'[^ -~\060C\061B\061F\00AB\00BB\066B\066C\0621\0622\0627\0628\062A-\063A\0641-\0648\064A'
            '\067E\0686\0698\06A9\06AF\06CC\200C]|\0647\200C'
            then translate(delivered, U&'\064A\0643 \200C', U&'\06CC\06A9')
        else replace(reference.conform(delivered), ' ', '')
    end
$$;

-- Whether a cell is digits alone, as many as the lower bound has zeros. With a 1 before it a number of that size can be read
-- only then: a sign, a space, a hexadecimal or an underscore leaves too few digits. Far faster than an expression.
create function reference.is_digits(delivered text, lower_bound bigint) returns boolean
language sql stable parallel safe as $$
    select case when pg_input_is_valid('1' || delivered, 'bigint') then ('1' || delivered)::bigint >= lower_bound else false end
$$;

-- An identifier as delivered, without spaces and dashes.
create function reference.bare(delivered text) returns text
language sql immutable parallel safe as $$
    select translate(reference.conform(delivered), U&' -\2010\2011\2012\2013\2014\2015\2212', '')
$$;

-- The check digit of a ten-digit national ID: weights 10 to 2, modulus 11; ten equal digits are nobody's.
-- The weights w stand on the leading digits code / 10^k as w(i) - 10 w(i+1) modulo 11, so that no digit is cut out;
-- with the check digit's own weight of 1 the sum is 0, or 2 where the remainder and the check digit are both 1.
create function reference.has_national_check_digit(code bigint) returns boolean
language sql immutable parallel safe as $$
    select code % 1111111111 <> 0 and case (
        code / 1000000000 * 8 + code / 100000000 * 6 + code / 10000000 * 4 + code / 1000000 * 2
        + code / 10000 * 9 + code / 1000 * 7 + code / 100 * 5 + code / 10 * 3 + code
    ) % 11 when 0 then true when 2 then code % 10 = 1 else false end
$$;

create function reference.rare_national_id(delivered text) returns text
language sql immutable strict parallel safe as $$
    select case when bare.code ~ '^[0-9]{8,10}$'
        then case when reference.has_national_check_digit(bare.code::bigint) then lpad(bare.code, 10, '0') end
    end
    from (select reference.bare(delivered) as code offset 0) as bare
$$;

-- A person's national ID of ten digits, or null; dropped leading zeros are given back.
create function reference.national_id(delivered text) returns text
language sql stable parallel safe as $$
    select case when octet_length(delivered) = 10 and reference.is_digits(delivered, 10000000000)
        then case when reference.has_national_check_digit(delivered::bigint) then delivered end
        else reference.rare_national_id(delivered)
    end
$$;

-- The check digit of a legal person's eleven-digit ID: the tenth digit plus 2 is added to each of the first ten;
-- weights 29, 27, 23, 19, 17 twice, on the leading digits as above; modulus 11, and 10 counts as 0.
create function reference.has_legal_check_digit(code bigint) returns boolean
language sql immutable parallel safe as $$
    select code / 100 % 1000000 <> 0 and (
        code / 10000000000 + code / 1000000000 * 6 + code / 100000000 * 9 + code / 10000000 * 3
        + code / 1000000 * 2 + code / 100000 + code / 10000 * 6 + code / 1000 * 9 + code / 100 * 2 + code / 10 * 5 + 9
    ) % 11 % 10 = code % 10
$$;

create function reference.rare_legal_id(delivered text) returns text
language sql immutable strict parallel safe as $$
    select case when bare.code ~ '^[0-9]{11}$'
        then case when reference.has_legal_check_digit(bare.code::bigint) then bare.code end
    end
    from (select reference.bare(delivered) as code offset 0) as bare
$$;

-- A legal person's national ID of eleven digits, or null.
create function reference.legal_id(delivered text) returns text
language sql stable parallel safe as $$
    select case when octet_length(delivered) = 11 and reference.is_digits(delivered, 100000000000)
        then case when reference.has_legal_check_digit(delivered::bigint) then delivered end
        else reference.rare_legal_id(delivered)
    end
$$;

-- Modulus 97 of an account number IR and 24 digits. I and R stand for 18 and 27 and move, with the two check
-- digits, behind the account, which is weighed in two halves: 10^17 and 10^6 leave 38 and 27, 182700 leaves 49.
create function reference.has_iban_check_digits(code text) returns boolean
language sql immutable parallel safe as $$
    select (
        substr(code, 5, 11)::bigint % 97 * 38 + substr(code, 16, 11)::bigint % 97 * 27 + 49 + substr(code, 3, 2)::bigint
    ) % 97 = 1
$$;

create function reference.rare_iban(delivered text) returns text
language sql immutable strict parallel safe as $$
    select case when bare.code ~ '^(IR)?[0-9]{24}$'
        then case when reference.has_iban_check_digits('IR' || right(bare.code, 24)) then 'IR' || right(bare.code, 24) end
    end
    from (select translate(reference.bare(delivered), 'ir', 'IR') as code offset 0) as bare
$$;

-- An account number of IR and 24 digits, or null; a missing IR is supplied.
create function reference.iban(delivered text) returns text
language sql stable parallel safe as $$
    select case
        when octet_length(delivered) = 26 and delivered like 'IR%'
            and reference.is_digits(substr(delivered, 3, 12), 1000000000000)
            and reference.is_digits(substr(delivered, 15), 1000000000000)
        then case when reference.has_iban_check_digits(delivered) then delivered end
        else reference.rare_iban(delivered)
    end
$$;

create function reference.rare_mobile(delivered text) returns text
language sql immutable strict parallel safe as $$
    select '0' || (regexp_match(translate(reference.bare(delivered), '()', ''), '^(?:\+?98|0098)?0?(9[0-9]{9})$'))[1]
$$;

-- A mobile number of 09 and nine digits, or null.
create function reference.mobile(delivered text) returns text
language sql stable parallel safe as $$
    select case
        when octet_length(delivered) = 11 and delivered like '09%' and reference.is_digits(delivered, 100000000000)
            then delivered
        else reference.rare_mobile(delivered)
    end
$$;

create function reference.rare_postcode(delivered text) returns text
language sql immutable strict parallel safe as $$
    select case when bare.code ~ '^[1-9][0-9]{9}$'
        then case when bare.code::bigint % 1111111111 <> 0 then bare.code end
    end
    from (select reference.bare(delivered) as code offset 0) as bare
$$;

-- A postal code of ten digits, the first not 0, not all equal, or null.
create function reference.postcode(delivered text) returns text
language sql stable parallel safe as $$
    select case
        when octet_length(delivered) = 10 and delivered not like '0%' and reference.is_digits(delivered, 10000000000)
        then case when delivered::bigint % 1111111111 <> 0 then delivered end
        else reference.rare_postcode(delivered)
    end
$$;

-- In small steps, as one long expression with captures costs a thousand times more.
create function reference.rare_amount(delivered text) returns numeric
language sql immutable strict parallel safe as $$
    select case when abs(number.amount) < 1000000000000000000 then number.amount end
    from (
        select case
            when split.head ~ '^([$] ?)?[(]? ?[-+]? ?([$] ?)?$' and split.tail ~ '^ ?([$] ?)?-? ?[)]?( ?[$])?$'
                and (strpos(split.head, '(') > 0) = (strpos(split.tail, ')') > 0)
                -- one sign at most
                and length(translate(split.head || split.tail, '$) ', '')) <= 1
                and split.core ~ '^[.]?[0-9]' and split.core ~ U&'^[0-9,\066C\060C ]*([.][0-9]{0,30})?(E[-+]?[0-9][0-9]?)?$'
                and (
                    split.whole ~ '^[0-9]{0,18}$'
                    or replace(split.whole, left(ltrim(split.whole, '0123456789'), 1), ',')
                        ~ '^[0-9]{1,3}(,[0-9]{3}){1,5}$'
                )
                then (
                    case when translate(split.head || split.tail, '$)+ ', '') = '' then '' else '-' end
                    || translate(split.core, U&',\066C\060C ', '')
                )::numeric
        end as amount
        from (
            select
                trimmed.core,
                split_part(split_part(trimmed.core, 'E', 1), '.', 1) as whole,
                left(trimmed.signs, strpos(trimmed.signs, trimmed.core) - 1) as head,
                substr(trimmed.signs, strpos(trimmed.signs, trimmed.core) + length(trimmed.core)) as tail
            from (
                select plain.signs, btrim(plain.signs, '$()+- ') as core
                from (
                    select translate(
                        replace(
                            replace(btrim(reference.conform(delivered), '"'' '), U&'\0631\06CC\0627\0644', '$'),
                            U&'\062A\0648\0645\0627\0646', '$'
                        ),
                        U&'\2010\2011\2012\2013\2014\2015\2212\066Be', '-------.E'
                    ) as signs
                    offset 0
                ) as plain
                offset 0
            ) as trimmed
            offset 0
        ) as split
        offset 0
    ) as number
$$;

-- An amount as delivered, or null: thousands in groups of three, . or ٫ before decimals, minus before, behind or as
-- parentheses, marks of currency, a power of ten; at most 18 whole digits.
create function reference.amount(delivered text) returns numeric
language sql immutable parallel safe as $$
    -- What is left of the cell without its digits says how it is written.
    select case translate(delivered, '0123456789', '')
        when '' then case when octet_length(delivered) between 1 and 18
            then delivered::numeric else reference.rare_amount(delivered) end
        when '.' then case when octet_length(delivered) between 2 and 19
            then delivered::numeric else reference.rare_amount(delivered) end
        when ',' then case when delivered like '_%,___' and octet_length(delivered) <= 7
            then replace(delivered, ',', '')::numeric else reference.rare_amount(delivered) end
        when ',,' then case when delivered like '_%,___,___' and octet_length(delivered) <= 11
            then replace(delivered, ',', '')::numeric else reference.rare_amount(delivered) end
        when ',,,' then case when delivered like '_%,___,___,___' and octet_length(delivered) <= 15
            then replace(delivered, ',', '')::numeric else reference.rare_amount(delivered) end
        else reference.rare_amount(delivered)
    end
$$;

create function reference.rare_whole_number(delivered text) returns bigint
language sql immutable strict parallel safe as $$
    select case when number.amount = trunc(number.amount) then number.amount::bigint end
    from (select reference.rare_amount(delivered) as amount offset 0) as number
$$;

-- A whole number as delivered, or null: an amount with nothing but zeros behind the point.
create function reference.whole_number(delivered text) returns bigint
language sql immutable parallel safe as $$
    select case translate(delivered, '0123456789', '')
        when '' then case when octet_length(delivered) between 1 and 18
            then delivered::bigint else reference.rare_whole_number(delivered) end
        when ',' then case when delivered like '_%,___' and octet_length(delivered) <= 7
            then replace(delivered, ',', '')::bigint else reference.rare_whole_number(delivered) end
        when ',,' then case when delivered like '_%,___,___' and octet_length(delivered) <= 11
            then replace(delivered, ',', '')::bigint else reference.rare_whole_number(delivered) end
        when ',,,' then case when delivered like '_%,___,___,___' and octet_length(delivered) <= 15
            then replace(delivered, ',', '')::bigint else reference.rare_whole_number(delivered) end
        else reference.rare_whole_number(delivered)
    end
$$;

-- The distinct cells of the columns that are read once a value, as a delivery was landed.
create table landing.distinct_value (
    delivery_id text not null references landing.delivery on delete cascade,
    column_name text not null,
    delivered text not null,
    primary key (delivery_id, column_name, delivered)
);
