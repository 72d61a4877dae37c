"""The outbox: messages about an edition, written before they are sent, and all that became of each."""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from methods.errors import EditionNotDelivered, SettingWrong
from methods.period import Period
from tasks.edges import warehouse
from tasks.edges.bounces import Bounce
from tasks.edges.recipients import Recipient
from tasks.edges.warehouse import Receipt, Rowset

# Any number does, so long as every process that delivers takes the same lock.
DELIVERY_LOCK = 1403_0014
OPEN = ("pending", "deferred")
# What is tried again only when somebody says so.
AGAIN = ("unknown", "refused", "bounced")
ENDED = "the run ended before the server's answer"

Key = tuple[str, str, str]
# State, words, instant of the next try.
Outcome = tuple[str, str | None, datetime.datetime | None]


@dataclass(frozen=True)
class File:
    """A file of an edition as it was recorded; with a link where a mail does not carry it."""

    file_name: str
    byte_count: int
    sha256: str
    link: str | None = None


@dataclass(frozen=True)
class Message:
    """What one person is to get."""

    recipient: Recipient
    subject: str
    files: tuple[File, ...]
    embargo_until: datetime.datetime | None
    is_rehearsal: bool


@contextmanager
def opened(period: Period, cutoff: datetime.date) -> Iterator[Outbox]:
    """Open the outbox of an edition, and keep other runs out until this one is done or its process is gone.

    Raises:
        EditionNotDelivered: another run has it.
    """
    with warehouse.transaction() as connection:
        taken = connection.execute(sa.text("select pg_try_advisory_xact_lock(:key)"), {"key": DELIVERY_LOCK})
        if not taken.scalar_one():
            raise EditionNotDelivered(
                place="bulletin.outbox", found="another run that delivers", wanted="one at a time",
                remedy="Run it again once that one is done.",
            )  # fmt: skip
        yield Outbox(period, cutoff)


class Outbox:
    """The messages of one edition, for the run that has it."""

    def __init__(self, period: Period, cutoff: datetime.date) -> None:
        self._partition = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
        self._run_id = secrets.token_hex(8)
        # The number of each message's newest event.
        self._numbers: dict[str, int] = {}

    def messages(self) -> pd.DataFrame:
        """Read every message as it stands."""
        rows = messages(self._partition)
        self._numbers |= dict(zip(rows["message_id"], rows["number"].astype(int), strict=True))
        return rows

    def files(self) -> dict[str, tuple[File, ...]]:
        """Read the files of each message, in order."""
        rows = warehouse.read("bulletin/outbox_file.sql", **self._partition)
        found: dict[str, list[File]] = {}
        for row in records(rows.drop(columns="place")):
            found.setdefault(row.pop("message_id"), []).append(File(**row))
        return {name: tuple(files) for name, files in found.items()}

    def put_up(self, wanted: Sequence[Message], listed: Collection[Key], domain: str) -> Receipt:
        """Write the messages that do not stand there yet, all or none.

        Args:
            wanted: who is to get what now.
            listed: everyone who is to get the edition now or later; what others were to get is withdrawn.
            domain: of the Message-ID.
        """
        standing = self.messages()
        keys = _keys(standing)
        again = {message.recipient.key for message in wanted}
        self._note(standing[standing["state"].isin(OPEN) & ~_among(keys, listed)], "withdrawn", "no recipient now")
        self._note(standing[standing["state"].eq("withdrawn") & _among(keys, again)], "pending")
        new = {self._message_id(one, domain): one for one in wanted if one.recipient.key not in set(keys)}
        if not new:
            return Receipt("bulletin.outbox", " ".join(map(str, self._partition.values())), len(standing), "as before")
        rows = pd.DataFrame([self._row(name, one) for name, one in new.items()])
        files = [
            {"message_id": name, "place": place} | asdict(file)
            for name, one in new.items()
            for place, file in enumerate(one.files, start=1)
        ]
        with _durable() as connection:
            receipt = warehouse.append("bulletin.outbox", self._partition, rows, within=connection)
            warehouse.append("bulletin.outbox_file", {}, pd.DataFrame(files), within=connection)
            self._write(list(new), [("pending", None, None)] * len(new), within=connection)
        return receipt

    def settle_what_ended(self) -> None:
        """Mark what a former run was sending when it ended: whether it arrived, only the other side knows."""
        rows = self.messages()
        self._note(rows[rows["state"] == "sending"], "unknown", ENDED)

    def put_up_again(self, only: Collection[str] = ()) -> None:
        """Put up what is unknown, refused or bounced, under its former Message-ID."""
        rows = _of(self.messages(), only)
        self._note(rows[rows["state"].isin(AGAIN)], "pending", "to be sent again")

    def due(self, wanted: Collection[Key], only: Collection[str] = ()) -> pd.DataFrame:
        """Read the messages whose try is due, of those who are still to get the edition."""
        rows = _of(self.messages(), only)
        next_tries = pd.to_datetime(rows["next_try_at"], utc=True)
        is_due = next_tries.isna() | (next_tries <= _now())
        return rows[rows["state"].isin(OPEN) & is_due & _among(_keys(rows), wanted)]

    def note(self, message_id: str, state: str, words: str | None = None) -> None:
        """Note how a message stands now."""
        self._write([message_id], [(state, words, None)])

    def note_each(self, message_ids: Sequence[str], outcomes: Sequence[Outcome]) -> None:
        """Note how each of these messages stands now."""
        self._write(message_ids, outcomes)

    def note_bounce(self, bounce: Bounce) -> int:
        """Note that a message of any edition came back; return how many it names."""
        rows = warehouse.read("bulletin/outbox_bounced.sql", message_ids=list(bounce.message_ids))
        self._numbers |= dict(zip(rows["message_id"], rows["number"].astype(int), strict=True))
        self._note(rows, "bounced", bounce.words)
        return len(rows)

    def _message_id(self, message: Message, domain: str) -> str:
        name = "|".join(map(str, [*self._partition.values(), *message.recipient.key]))
        return f"<{hashlib.sha256(name.encode()).hexdigest()[:32]}@{domain}>"

    def _row(self, message_id: str, message: Message) -> dict[str, Any]:
        recipient = message.recipient
        return self._partition | {
            "message_id": message_id,
            "recipient": recipient.address,
            "recipient_name": recipient.name or None,
            "role": recipient.role,
            "unit_code": recipient.code,
            "is_pre_release": message.embargo_until is not None,
            "embargo_until": message.embargo_until and message.embargo_until.isoformat(),
            "is_rehearsal": message.is_rehearsal,
            "subject": message.subject,
            "written_at": _now().isoformat(timespec="seconds"),
        }

    def _note(self, rows: pd.DataFrame, state: str, words: str | None = None) -> None:
        self._write(list(rows["message_id"]), [(state, words, None)] * len(rows))

    def _write(
        self, message_ids: Sequence[str], outcomes: Sequence[Outcome], within: sa.Connection | None = None
    ) -> None:
        if not message_ids:
            return
        numbers = [self._numbers.get(name, 0) + 1 for name in message_ids]
        states, words, next_tries = (list(column) for column in zip(*outcomes, strict=True))
        own = {"message_ids": list(message_ids), "numbers": numbers, "run_id": self._run_id}
        said = {"states": states, "answers": words, "next_tries_at": next_tries, "happened_at": _now()}
        with _durable(within) as connection:
            rowset = Rowset("bulletin/outbox_event.sql", own | said)
            warehouse.append("bulletin.outbox_event", {"message_id": message_ids[0]}, rowset, within=connection)
            count = connection.execute(sa.text(Rowset("bulletin/outbox_own_event.sql", {}).body), own).scalar_one()
            if count != len(numbers):
                # It cannot be while the lock holds; a connection that was cut loses it.
                raise EditionNotDelivered(
                    place="bulletin.outbox_event", found="what another run noted meanwhile", wanted="one at a time"
                )
        self._numbers |= dict(zip(message_ids, numbers, strict=True))


def messages(partition: Mapping[str, Any]) -> pd.DataFrame:
    """Read the messages of an edition as they stand."""
    return warehouse.read("bulletin/outbox_message.sql", **partition)


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Give rows as dictionaries, with None where nothing stands."""
    found = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in found]


@contextmanager
def _durable(within: sa.Connection | None = None) -> Iterator[sa.Connection]:
    """Open a transaction that a crash of the machine does not undo, as the embedded server's last ones may be."""
    if within is not None:
        yield within
        return
    with warehouse.transaction() as connection:
        connection.execute(sa.text("set local synchronous_commit = on"))
        yield connection


def _keys(rows: pd.DataFrame) -> list[Key]:
    return list(zip(rows["recipient"].str.lower(), rows["role"], rows["unit_code"], strict=True))


def _among(keys: Sequence[Key], wanted: Collection[Key]) -> npt.NDArray[np.bool_]:
    return np.array([key in wanted for key in keys], dtype=bool)


def _of(rows: pd.DataFrame, only: Collection[str]) -> pd.DataFrame:
    if not only:
        return rows
    asked = {address.lower() for address in only}
    unknown = sorted(asked - set(rows["recipient"].str.lower()))
    if unknown:
        raise SettingWrong(place="--to", found=", ".join(unknown), wanted="addresses that stand in the outbox")
    return rows[rows["recipient"].str.lower().isin(asked)]


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
