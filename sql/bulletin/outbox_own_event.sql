-- how many of these events a run has noted itself
-- grain:  one row
-- reads:  bulletin.outbox_event
-- writes: nothing
select count(*) as event_count
from bulletin.outbox_event as event
inner join unnest(cast(:message_ids as text[]), cast(:numbers as integer[])) as own (message_id, number)
    on own.message_id = event.message_id and own.number = event.number
where event.run_id = :run_id
