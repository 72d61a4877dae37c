"""Encodings of text, as far as its first bytes tell them."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True)
class Encoding:
    """How bytes become text.

    Args:
        name: as a person calls it.
        codec: as Python calls it.
        mark: length of the byte order mark before the text.
    """

    name: str
    codec: str
    mark: int = 0


def supposed(head: bytes) -> Encoding:
    """Suppose an encoding by the first bytes: the one whose mark they bear, else UTF-16 or UTF-8."""
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    codec = _MARKS.get(mark) or _unmarked_utf16(head) or "utf-8"
    return Encoding(codec[:6].rstrip("-"), codec, len(mark))


def head_text(head: bytes) -> str:
    """Read the first bytes as text, whatever stands between what can be read."""
    encoding = supposed(head)
    return head[encoding.mark :].decode(encoding.codec, "ignore")


def _unmarked_utf16(head: bytes) -> str | None:
    # Digits, commas and blanks of UTF-16 have one zero byte each, all on the same side of the pair.
    even, odd = head[0::2].count(0), head[1::2].count(0)
    least = max(3, len(head) // 20)
    if odd >= least and not even:
        return "utf-16-le"
    return "utf-16-be" if even >= least and not odd else None
