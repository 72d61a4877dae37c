-- files of the messages of an edition, in the order a mail names them
-- grain:  one row per message_id, file_name
-- reads:  bulletin.outbox, bulletin.outbox_file
-- writes: nothing
select file.message_id, file.place, file.file_name, file.byte_count, file.sha256, file.link
from bulletin.outbox_file as file
inner join bulletin.outbox as message on message.message_id = file.message_id
where message.year = :year and message.phase = :phase and message.cutoff = :cutoff
order by file.message_id, file.place
