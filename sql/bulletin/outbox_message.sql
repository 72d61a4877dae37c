-- messages of an edition as they stand
-- grain:  one row per message_id
-- reads:  bulletin.outbox_state
-- writes: nothing
select
    message_id, recipient, recipient_name, role, unit_code, is_pre_release, embargo_until, is_rehearsal, subject,
    written_at, number, state, happened_at, answer, next_try_at, try_count
from bulletin.outbox_state
where year = :year and phase = :phase and cutoff = :cutoff
order by role, unit_code, recipient
