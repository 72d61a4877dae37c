-- Thousands behind U+066B, as agencies write them. A number has one decimal mark: where it stands twice, it is none.
alter function reference.rare_amount(text) rename to marked_amount;

create function reference.rare_amount(delivered text) returns numeric
language sql immutable strict parallel safe as $$
    select reference.marked_amount(
        case
            when strpos(delivered, U&'\066B') = 0 then delivered
            when reference.conform(delivered) ~ U&'^[^0-9.\066B]*[0-9]{1,3}(\066B[0-9]{3}){2,5}[^0-9.\066B]*$'
                then translate(reference.conform(delivered), U&'\066B', '')
            else delivered
        end
    )
$$;
