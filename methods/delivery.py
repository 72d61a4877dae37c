"""Delivery: who may have an edition when, which files go with a mail, and when a failed one is tried again."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Sequence

from methods.period import Period


def may_have(
    released_at: datetime.datetime, moment: datetime.datetime, is_pre_release: bool, pre_release_hours: int
) -> bool:
    """Say whether somebody may have an edition at a moment: everyone from its release on, some a few hours before.

    Args:
        released_at: the instant of the release.
        moment: the instant asked about.
        is_pre_release: whether he gets it early.
        pre_release_hours: how early [hours].
    """
    return moment >= released_at - datetime.timedelta(hours=pre_release_hours if is_pre_release else 0)


def files_of(patterns: str, file_names: Sequence[str], code: str, period: Period) -> list[str]:
    """Pick the files of a role.

    Args:
        patterns: patterns of file names, separated by blanks, with {code} and {period} in them.
        file_names: files of the edition.
        code: whose: `IR`, a province `03`, an agency `P01`.
        period: of the edition.

    Returns:
        File names, each once, in the order of the patterns.
    """
    wanted = [pattern.format(code=code, period=period) for pattern in patterns.split()]
    found = (name for pattern in wanted for name in sorted(file_names) if fnmatch.fnmatchcase(name, pattern))
    return list(dict.fromkeys(found))


def attached(byte_counts: Sequence[int], attach_up_to_bytes: int) -> list[bool]:
    """Say which files a mail carries: in their order, each that still fits.

    Args:
        byte_counts: sizes of the files [bytes].
        attach_up_to_bytes: most that one mail carries [bytes], before it is encoded for the way.
    """
    found = []
    room = attach_up_to_bytes
    for size in byte_counts:
        found.append(size <= room)
        room -= size if found[-1] else 0
    return found


def after_failure(
    words: str, try_count: int, delays: Sequence[int], now: datetime.datetime
) -> tuple[str, str, datetime.datetime | None]:
    """Say how a message stands that could not be handed in this time.

    Args:
        words: why.
        try_count: failed tries before this one.
        delays: after the first failed try, the second, … [minutes].
        now: the instant of this try.

    Returns:
        State `deferred` or, after the last delay, `refused`; the words; the instant of the next try, if any.

    Source:
        RFC 5321 (2008), Simple Mail Transfer Protocol, 4.5.4.1: retry, less often the longer it lasts, and give up
        after four or five days.
    """
    if try_count < len(delays):
        return "deferred", words, now + datetime.timedelta(minutes=delays[try_count])
    return "refused", f"given up after {try_count + 1} tries: {words}", None
