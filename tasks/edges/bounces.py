"""Bounces: reports of mail that could not be delivered, as they lie in a mail folder."""

from __future__ import annotations

import email
import email.policy
import os
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from methods.errors import SettingWrong

# The report and the headers it quotes come first; the quoted message itself may be large.
LONGEST_BYTES = 1 << 20
LONGEST_WORDS = 500
QUOTED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")


@dataclass(frozen=True)
class Bounce:
    """One failed message, as a mail server on its way reported it."""

    message_ids: tuple[str, ...]
    recipient: str
    words: str


@dataclass(frozen=True)
class Mail:
    """One mail of the folder, with the failure it reports, if it reports any."""

    path: Path
    bounce: Bounce | None


def unread() -> Iterator[Mail]:
    """Read what has newly come into the maildir of PAYESH_BOUNCES; nothing where none is named.

    Raises:
        SettingWrong: it names no maildir.
    """
    written = os.environ.get("PAYESH_BOUNCES")
    if not written:
        return
    folder = Path(written) / "new"
    if not folder.is_dir():
        raise SettingWrong(
            place="PAYESH_BOUNCES", found=f"no folder {folder}", wanted="a maildir (with new, cur and tmp)",
            remedy="Have the mail of PAYESH_SMTP_FROM delivered there, or unset it.",
        )  # fmt: skip
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            with path.open("rb") as file:
                yield Mail(path, read(file.read(LONGEST_BYTES)))


def put_by(mail: Mail) -> None:
    """Move a mail from `new` to `cur`: a report as seen, any other unseen, for a person to look at."""
    folder = mail.path.parent.parent / "cur"
    folder.mkdir(exist_ok=True)
    name = mail.path.name.partition(":")[0]
    mail.path.rename(folder / f"{name}:2,{'S' if mail.bounce else ''}")


def read(content: bytes) -> Bounce | None:
    """Find the failure that a mail reports.

    Returns:
        The bounce; None where the mail is no report, or reports a delay or a success.

    Source:
        RFC 3464 (2003), An Extensible Message Format for Delivery Status Notifications, sections 2.2 and 2.3;
        RFC 6522 (2012) for the parts of a report.
    """
    # This policy reads any bytes as some message; the newer one stumbles over headers of bad make.
    report = email.message_from_bytes(content, policy=email.policy.compat32)
    if report.get_content_type() != "multipart/report":
        return None
    blocks = [
        block
        for part in report.walk()
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status")
        and part.is_multipart()
        for block in part.get_payload()
        if isinstance(block, Message)
    ]
    failed = [block for block in blocks if _word(block, "Action").lower() == "failed"]
    if not failed:
        return None
    envelope = [f"<{_word(block, 'Original-Envelope-Id').strip('<>')}>" for block in blocks]
    found = [name for name in [*_quoted_ids(report), *envelope] if name != "<>"]
    recipient = _value(_word(failed[0], "Original-Recipient") or _word(failed[0], "Final-Recipient"))
    words = " ".join([_word(failed[0], "Status"), _value(_word(failed[0], "Diagnostic-Code"))]).strip()
    return Bounce(tuple(dict.fromkeys(found)), recipient, words[:LONGEST_WORDS] or "failed")


def _quoted_ids(report: Message) -> list[str]:
    found = []
    for part in report.walk():
        if part.get_content_type() not in QUOTED:
            continue
        quoted = part.get_payload(0) if part.is_multipart() else None
        if not isinstance(quoted, Message):
            content = part.get_payload(decode=True)
            quoted = email.message_from_bytes(content if isinstance(content, bytes) else b"")
        found.append(_word(quoted, "Message-ID"))
    return [name for name in found if name]


def _word(message: Message, name: str) -> str:
    text = str(message.get(name) or "")
    # A stranger wrote it: one line, and nothing the warehouse cannot hold.
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _value(typed: str) -> str:
    """Leave the type out of `rfc822; a@b` and `smtp; 550 …`."""
    return typed.partition(";")[2].strip() or typed
