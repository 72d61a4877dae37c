"""Bulletin stage, delivery: who gets which files of an edition by e-mail, each once, and what became of it."""

from __future__ import annotations

import datetime
import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from methods import calendar, delivery, persian
from methods.errors import EditionNotDelivered, FileChanged
from methods.period import Period
from tasks.edges import bounces, law, mail, outbox, recipients, register, rendering, warehouse
from tasks.edges.mail import Enclosure, Letter, MailServerAway, Session
from tasks.edges.outbox import File, Message, Outbox
from tasks.edges.recipients import Recipient
from tasks.edges.settings import TEHRAN, settings
from tasks.edges.warehouse import Receipt

# So many lines lost one after the other, and the server is given time.
PATIENCE = 3
EDITION_KINDS = {"provisional": "موقت", "final": "نهایی", "revised": "بازنگری‌شده"}
LABELS = {"national": "بولتن کشور", "province": "بولتن استان {}", "county": "برگهٔ شهرستان {}", "agency": "برگهٔ {}"}
STEM = re.compile(r"(national|province|county|agency)(?:-([A-Z0-9_]+))?-[0-9]{4}-[12]\.")
FILTERS: dict[str, Callable[..., Any]] = {
    "fa": persian.digits,
    "number": persian.number,
    "jalali": calendar.jalali_text_fa,
}

# Says a line, and whether all is well.
Say = Callable[[str, bool], None]


@dataclass(frozen=True)
class Plan:
    """Who is to get what of an edition now, who later, and who cannot be sent anything."""

    messages: tuple[Message, ...]
    held: tuple[Recipient, ...]
    problems: Mapping[Recipient, str]

    @property
    def wanted(self) -> set[outbox.Key]:
        """Those who are to get it now."""
        return {message.recipient.key for message in self.messages}

    @property
    def listed(self) -> set[outbox.Key]:
        """Those who are to get it now or later."""
        return self.wanted | {recipient.key for recipient in (*self.held, *self.problems)}


@task(task_run_name="take-bounces-{period}", cache_policy=NO_CACHE)
def take_bounces(period: Period, cutoff: datetime.date) -> int:
    """Read what came back into the mail folder for bounces; return how many messages did."""
    return read_bounces(period, cutoff)


@task(task_run_name="fill-outbox-{period}-{cutoff}", cache_policy=NO_CACHE)
def fill_outbox(period: Period, cutoff: datetime.date) -> Receipt:
    """Write down who is to get what of an edition, before anything is sent; nobody is written down twice."""
    return fill(period, cutoff)


@task(task_run_name="send-outbox-{period}-{cutoff}", cache_policy=NO_CACHE)
def send_outbox(
    period: Period, cutoff: datetime.date, resend: bool = False, only: Sequence[str] = ()
) -> dict[str, int]:
    """Send what is due of an edition, each message once; return how many stand in which state."""
    log = get_run_logger()
    return send(period, cutoff, resend, only, lambda line, is_well: (log.info if is_well else log.warning)("%s", line))


def read_bounces(period: Period, cutoff: datetime.date) -> int:
    """Note which messages came back, of any edition; return how many.

    Raises:
        SettingWrong: PAYESH_BOUNCES names no mail folder.
    """
    found = 0
    with outbox.opened(period, cutoff) as box:
        for one in bounces.unread():
            found += box.note_bounce(one.bounce) if one.bounce else 0
            # Last: what is cut off before this is read again, and changes nothing.
            bounces.put_by(one)
    return found


def fill(period: Period, cutoff: datetime.date) -> Receipt:
    """Write the messages of an edition into the outbox, all or none; those that stand there stay as they are.

    Raises:
        SettingWrong: no recipients of one's own are named, or no mail server.
    """
    server = mail.server_of_environment()
    recipients.refuse_example()
    planned = plan(Edition(period, cutoff))
    with outbox.opened(period, cutoff) as box:
        return box.put_up(planned.messages, planned.listed, server.domain)


def send(
    period: Period,
    cutoff: datetime.date,
    resend: bool = False,
    only: Sequence[str] = (),
    say: Say = lambda line, is_well: None,
) -> dict[str, int]:
    """Send what is due of an edition, each message once.

    What a former run was sending when it ended may have arrived: it is marked unknown, and is sent again only when
    that is asked for.

    Args:
        period: of the edition.
        cutoff: of the edition.
        resend: send again what is unknown, was refused or came back.
        only: addresses; none means everybody's.
        say: tells what became of each message.

    Returns:
        State -> number of messages.

    Raises:
        EditionNotDelivered: some could not be tried; the others are out.
        MailServerRefused: the mail server cannot be used.
    """
    server = mail.server_of_environment()
    recipients.refuse_example()
    edition = Edition(period, cutoff)
    planned = plan(edition)
    with outbox.opened(period, cutoff) as box:
        box.settle_what_ended()
        if resend:
            box.put_up_again(only)
        due = box.due(planned.wanted, only)
        with Session(server) as session:
            problems = [*planned.problems.values(), *_send_each(edition, box, due, session, say)]
        counts = box.messages()["state"].value_counts()
    if problems:
        raise EditionNotDelivered(
            place=f"edition {period} {cutoff}",
            found="; ".join(problems),
            wanted="every message handed in",
            remedy="The others are out. Mend it and deliver again: nothing is sent twice.",
        )
    return {str(state): int(count) for state, count in counts.items()}


def settled_cutoff(period: Period, asked: datetime.date | None) -> datetime.date:
    """Settle which edition: the one asked for, or the newest whose files are recorded.

    Raises:
        EditionNotDelivered: it has no recorded files.
    """
    found: datetime.date = _recorded(period, asked)["cutoff"]
    return found


def _recorded(period: Period, cutoff: datetime.date | None) -> dict[str, Any]:
    rows = outbox.records(warehouse.read("bulletin/outbox_edition.sql", year=period.year, phase=period.phase))
    found = [row for row in rows if cutoff in (None, row["cutoff"])]
    if not found:
        raise EditionNotDelivered(
            place=f"edition {period}{f' {cutoff}' if cutoff else ''}",
            found="no recorded files",
            wanted="an edition that has been printed",
            remedy=f"Run `payesh publish {period.year} --phase {period.phase}` first.",
        )
    return found[0]


def plan(edition: Edition) -> Plan:
    """Work out who is to get which files of an edition at this moment."""
    messages: list[Message] = []
    held: list[Recipient] = []
    problems: dict[Recipient, str] = {}
    hours = int(edition.rules["pre_release_hours"])
    moment = _moment()
    embargo = edition.released_at if moment < edition.released_at else None
    for recipient in recipients.load():
        if not delivery.may_have(edition.released_at, moment, recipient.is_pre_release, hours):
            held.append(recipient)
            continue
        try:
            files = edition.files_for(recipient, is_early=embargo is not None)
        except EditionNotDelivered as refusal:
            problems[recipient] = f"{refusal.place}: {refusal.found}, wanted {refusal.wanted}"
            continue
        subject = edition.subject(recipient, embargo is not None)
        messages.append(Message(recipient, subject, files, embargo, edition.is_rehearsal))
    return Plan(tuple(messages), tuple(held), problems)


def preview(period: Period, cutoff: datetime.date) -> pd.DataFrame:
    """Show who would get what, and how it stands with those who are in the outbox already.

    Returns:
        Columns recipient, role, unit_code, state, files; state `new` or `held` where nothing is written yet.
    """
    edition = Edition(period, cutoff)
    planned = plan(edition)
    rows = outbox.messages(edition.partition)
    keys = zip(rows["recipient"].str.lower(), rows["role"], rows["unit_code"], strict=True)
    states = dict(zip(keys, rows["state"], strict=True))
    shown = [(one.recipient, "new", " ".join(_mentioned(file) for file in one.files)) for one in planned.messages]
    shown += [(one, "held", f"until {edition.released_at:%Y-%m-%d %H:%M}") for one in planned.held]
    shown += [(one, "problem", why) for one, why in planned.problems.items()]
    found = [
        [one.address, one.role, one.code, one.is_pre_release, states.get(one.key, state), files]
        for one, state, files in shown
    ]
    return pd.DataFrame(found, columns=["recipient", "role", "unit_code", "is_pre_release", "state", "files"])


class Edition:
    """An edition as its mails name it, read once.

    Raises:
        EditionNotDelivered: it has no recorded files.
    """

    def __init__(self, period: Period, cutoff: datetime.date) -> None:
        self.period = period
        self.cutoff = cutoff
        record = _recorded(period, cutoff)
        self.kind_fa = EDITION_KINDS[record["kind"]]
        # Cut-off of the edition it takes the place of, if there was one.
        self.supersedes: datetime.date | None = record["supersedes"]
        self.rules = law.section_on("delivery", calendar.jalali_text(settings().today))
        self.is_rehearsal = register.rests_on_rehearsal(period)
        self.contact = str(law.section("publication", period)["contact"])
        hour = datetime.time(int(self.rules["release_hour"]), tzinfo=TEHRAN)
        self.released_at = datetime.datetime.combine(record["released_on"], hour)
        rows = outbox.records(warehouse.read("bulletin/outbox_recorded_file.sql", **self.partition))
        self.files = {row["file_name"]: File(**row) for row in rows}
        places = outbox.records(warehouse.read("bulletin/outbox_place.sql"))
        self.names = {(row["kind"], row["unit_code"]): row["unit_name"] for row in places}

    @property
    def partition(self) -> dict[str, Any]:
        """Keys of its rows."""
        return {"year": self.period.year, "phase": self.period.phase, "cutoff": self.cutoff}

    @property
    def folder(self) -> Path:
        """Folder of its files."""
        return settings().bulletins / str(self.period.year) / str(self.period.phase) / self.cutoff.isoformat()

    def files_for(self, recipient: Recipient, is_early: bool) -> tuple[File, ...]:
        """Pick the files of a recipient; those a mail cannot carry have a link.

        Raises:
            EditionNotDelivered: there are none, or some are too large and there is nowhere to link to.
        """
        patterns = str(self.rules["role_files"][recipient.role])
        found = delivery.files_of(patterns, list(self.files), recipient.code, self.period)
        files = [self.files[name] for name in found]
        if not files:
            raise EditionNotDelivered(str(recipient), "no file of the edition", f"one such as {patterns}")
        fits = delivery.attached([file.byte_count for file in files], int(self.rules["attach_up_to_bytes"]))
        large = ", ".join(file.file_name for file, is_attached in zip(files, fits, strict=True) if not is_attached)
        site = os.environ.get("PAYESH_SITE_URL", "").rstrip("/")
        if large and (is_early or not site):
            # What is not released yet lies on no site.
            wanted = "a larger attach_up_to_bytes" if is_early else "PAYESH_SITE_URL, to link to"
            raise EditionNotDelivered(str(recipient), f"more than is attached: {large}", wanted)
        address = f"{site}/{self.period.year}/{self.period.phase}/{self.cutoff.isoformat()}"
        return tuple(
            file if is_attached else replace(file, link=f"{address}/{file.file_name}")
            for file, is_attached in zip(files, fits, strict=True)
        )

    def subject(self, recipient: Recipient, is_early: bool) -> str:
        """Write the subject of a mail."""
        kind = "national" if recipient.role == "ministry" else recipient.role
        marks = ["[داده‌های ساختگی]"] * self.is_rehearsal + ["[پیش از انتشار]"] * is_early
        period = f"سال {self.period.year}، دورهٔ {self.period.phase}"
        title = f"پایش اشتغال: {self._named(kind, recipient.code)}، {period}"
        return persian.digits(" ".join([*marks, f"{title}، داده‌ها تا {calendar.jalali_text_fa(self.cutoff)}"]))

    def label(self, file_name: str) -> str:
        """Say in Persian what a file holds."""
        found = STEM.match(file_name)
        return self._named(found[1], found[2] or "") if found else file_name

    def _named(self, kind: str, code: str) -> str:
        return LABELS[kind].format(self.names.get((kind, code), code))


def _send_each(edition: Edition, box: Outbox, due: pd.DataFrame, session: Session, say: Say) -> list[str]:
    """Send messages one by one; return what kept some from being tried."""
    problems: list[str] = []
    files = box.files()
    lost_lines = 0
    for place, row in enumerate(outbox.records(due)):
        message_id = row["message_id"]
        try:
            letter = compose(edition, row, files[message_id])
            answer = session.send(letter, partial(box.note, message_id, "sending"))
        except FileChanged as refusal:
            problems.append(str(refusal))
            continue
        except MailServerAway as refusal:
            _defer(edition, box, due.iloc[place:], refusal.found)
            return [*problems, str(refusal)]
        if answer.state == "deferred":
            _defer(edition, box, due.iloc[place : place + 1], answer.words)
        else:
            box.note(message_id, answer.state, answer.words)
        say(f"{row['recipient']} ({row['role']} {row['unit_code']}): {answer.state}, {answer.words}", answer.is_well)
        lost_lines = lost_lines + 1 if answer.has_lost_line else 0
        if lost_lines == PATIENCE:
            _defer(edition, box, due.iloc[place + 1 :], answer.words)
            return [*problems, f"{PATIENCE} lines lost one after the other; the last: {answer.words}"]
    return problems


def _defer(edition: Edition, box: Outbox, rows: pd.DataFrame, words: str) -> None:
    table = edition.rules["retry_after_minutes"]
    delays = [int(table[place]) for place in sorted(table, key=int)]
    now = datetime.datetime.now(datetime.UTC)
    outcomes = [delivery.after_failure(words, int(count), delays, now) for count in rows["try_count"]]
    box.note_each(list(rows["message_id"]), outcomes)


def compose(edition: Edition, row: Mapping[str, Any], files: Sequence[File]) -> Letter:
    """Put a message of the outbox together as it is sent.

    Raises:
        FileChanged: a file is gone, or is not the one that was recorded.
    """
    contents = [_checked(edition.folder / file.file_name, file) for file in files]
    context = {
        "edition": edition,
        "subject": row["subject"],
        "recipient_name": row["recipient_name"],
        "is_rehearsal": row["is_rehearsal"],
        "notice": rendering.REHEARSAL_NOTICE,
        "embargo_until": row["embargo_until"] and row["embargo_until"].astimezone(TEHRAN),
        "files": [asdict(file) | {"label": edition.label(file.file_name)} for file in files],
    }
    return Letter(
        message_id=row["message_id"],
        recipient=row["recipient"],
        recipient_name=row["recipient_name"] or "",
        subject=row["subject"],
        text=rendering.render_page("mail.txt.j2", context, FILTERS) + "\n",
        html=f"<!doctype html>\n{rendering.render_page('mail.html.j2', context, FILTERS)}\n",
        written_at=row["written_at"],
        enclosures=tuple(
            Enclosure(file.file_name, content) for file, content in zip(files, contents, strict=True) if not file.link
        ),
    )


def _checked(path: Path, file: File) -> bytes:
    content = path.read_bytes() if path.is_file() else None
    found = None if content is None else hashlib.sha256(content).hexdigest()
    if content is None or found != file.sha256:
        raise FileChanged(
            place=str(path),
            found="no file" if content is None else f"other content (sha256 {found})",
            wanted=f"what was recorded (sha256 {file.sha256})",
            remedy="Publish the edition again: frozen figures give the same bytes.",
        )
    return content


def _mentioned(file: File) -> str:
    return f"{file.file_name} ({'linked' if file.link else 'attached'}, {file.byte_count:,} bytes)"


def _moment() -> datetime.datetime:
    # The clock, on the day that stands for today: a rehearsal's releases come when it says.
    return datetime.datetime.combine(settings().today, datetime.datetime.now(TEHRAN).timetz())
