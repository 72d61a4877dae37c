-- events to note, at most one a message
-- grain:  one row per message_id, number
-- reads:
-- writes: bulletin.outbox_event (append)
select
    event.message_id, event.number, event.state, cast(:happened_at as timestamptz) as happened_at,
    cast(:run_id as text) as run_id, event.answer, event.next_try_at
from unnest(
    cast(:message_ids as text[]), cast(:numbers as integer[]), cast(:states as text[]), cast(:answers as text[]),
    cast(:next_tries_at as timestamptz[])
) as event (message_id, number, state, answer, next_try_at)
