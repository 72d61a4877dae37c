-- messages that did not arrive, or of which nobody knows, newest edition first
-- grain:  one row per message_id
-- reads:  bulletin.outbox_state
-- writes: nothing
select
    year, phase, cutoff, recipient, role, unit_code, state, happened_at, next_try_at, answer
from bulletin.outbox_state
where state in ('sending', 'refused', 'deferred', 'unknown', 'bounced')
order by cutoff desc, year desc, phase desc, state asc, role asc, unit_code asc, recipient asc
