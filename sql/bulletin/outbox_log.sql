-- who got what of an edition, and what was answered: every event with the files of its message
-- grain:  one row per message_id, number, file_name
-- reads:  bulletin.outbox, bulletin.outbox_file, bulletin.outbox_event
-- writes: nothing
select
    message.year, message.phase, message.cutoff, event.happened_at, message.recipient, message.role, message.unit_code,
    message.is_pre_release, message.embargo_until, event.number, event.state, event.answer, event.next_try_at,
    file.file_name, file.byte_count, file.sha256, file.link, message.message_id
from bulletin.outbox as message
inner join bulletin.outbox_event as event on event.message_id = message.message_id
inner join bulletin.outbox_file as file on file.message_id = message.message_id
where message.year = :year and message.phase = :phase and message.cutoff = :cutoff
order by message.role, message.unit_code, message.recipient, event.number, file.place
