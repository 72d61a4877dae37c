-- messages a bounce may be about
-- grain:  one row per message_id
-- reads:  bulletin.outbox_state
-- writes: nothing
select message_id, number, state
from bulletin.outbox_state
where message_id = any(:message_ids) and state in ('sent', 'unknown', 'sending')
order by message_id
