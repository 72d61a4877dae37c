-- Delivery by e-mail: who is to get which files of an edition, and all that became of each message.

create table bulletin.outbox (
    -- Message-ID of the mail: the same however often it is tried.
    message_id text primary key,
    year integer not null,
    phase integer not null,
    cutoff date not null,
    recipient text not null,
    recipient_name text,
    role text not null check (role in ('ministry', 'province', 'agency')),
    unit_code text not null,
    is_pre_release boolean not null,
    embargo_until timestamptz,
    is_rehearsal boolean not null,
    subject text not null,
    written_at timestamptz not null,
    unique (year, phase, cutoff, recipient, role, unit_code),
    check (is_pre_release = (embargo_until is not null))
);

create table bulletin.outbox_file (
    message_id text not null references bulletin.outbox,
    place integer not null,
    file_name text not null,
    byte_count bigint not null,
    sha256 text not null,
    -- Where a file that is not attached can be had.
    link text,
    primary key (message_id, file_name)
);

-- Append only: the newest event of a message says how it stands.
create table bulletin.outbox_event (
    message_id text not null references bulletin.outbox,
    number integer not null,
    state text not null check (
        state in ('pending', 'sending', 'sent', 'refused', 'deferred', 'unknown', 'bounced', 'withdrawn')
    ),
    happened_at timestamptz not null,
    -- Which run wrote it.
    run_id text not null,
    answer text,
    next_try_at timestamptz,
    primary key (message_id, number)
);

create view bulletin.outbox_state as
select
    message.message_id, message.year, message.phase, message.cutoff, message.recipient, message.recipient_name,
    message.role, message.unit_code, message.is_pre_release, message.embargo_until, message.is_rehearsal,
    message.subject, message.written_at, event.number, event.state, event.happened_at, event.answer,
    event.next_try_at, tried.try_count
from bulletin.outbox as message
inner join lateral (
    select newest.number, newest.state, newest.happened_at, newest.answer, newest.next_try_at
    from bulletin.outbox_event as newest
    where newest.message_id = message.message_id
    order by newest.number desc
    limit 1
) as event on true
-- Tries since it was last put up: sending it again on purpose begins a new count.
inner join lateral (
    select count(*) filter (where one.state = 'deferred') as try_count
    from bulletin.outbox_event as one
    where
        one.message_id = message.message_id
        and one.number > (
            select max(put_up.number) from bulletin.outbox_event as put_up
            where put_up.message_id = message.message_id and put_up.state = 'pending'
        )
) as tried on true;
