"""Persian text: one form to compare by, and one to print."""

from __future__ import annotations

import math

PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
ALPHABET = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"

_TWINS = {
    "ي": "ی", "ى": "ی", "ك": "ک", "ۀ": "ه", "ة": "ه", "أ": "ا", "إ": "ا", "ٱ": "ا", "ؤ": "و", "ئ": "ی",
}  # fmt: skip
_SPACES = "\u00a0\u200c\u202f"
_DROPPED = (
    "\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0653\u0654\u0655\u0670"
    "\u200b\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\ufeff"
)
_CONFORM = str.maketrans(
    _TWINS
    | {digit: str(value) for script in (PERSIAN_DIGITS, ARABIC_DIGITS) for value, digit in enumerate(script)}
    | dict.fromkeys(_SPACES, " ")
    | dict.fromkeys(_DROPPED, "")
)
_TO_PERSIAN = str.maketrans("0123456789", PERSIAN_DIGITS)
_ORDER = {letter: place for place, letter in enumerate(ALPHABET)}
NATIONAL_ID_WEIGHTS = range(10, 1, -1)


def conform(text: str) -> str:
    """Bring text to the form in which headers, names and codes are compared.

    Arabic letters become Persian, digits of three scripts ASCII; hidden marks, tatweel and vowel signs
    go; a half-space becomes a space; white space is folded. `reference.conform` is the same rule in SQL.
    """
    return " ".join(text.translate(_CONFORM).split())


def digits(text: object) -> str:
    """Write ASCII digits as Persian ones."""
    return str(text).translate(_TO_PERSIAN)


def number(value: float | int, decimals: int = 0) -> str:
    """Write a number with Persian digits, ٬ between thousands, ٫ before decimals and − for minus."""
    if not math.isfinite(value):
        raise ValueError(f"cannot print {value}")
    text = f"{abs(value):,.{decimals}f}".replace(",", "٬").replace(".", "٫")
    sign = "−" if value < 0 and any(digit in text for digit in "123456789") else ""
    return sign + digits(text)


def percent(share: float, decimals: int = 2) -> str:
    """Write a share as a percentage: 0.6805 is ۶۸٫۰۵٪."""
    return number(share * 100, decimals) + "٪"


def sort_key(text: str) -> tuple[tuple[int, str], ...]:
    """Give the key that sorts text by the Persian alphabet; آ comes before ا, other signs after letters."""
    plain = text.replace("ي", "ی").replace("ك", "ک").replace("\u200c", " ")
    return tuple((_ORDER.get(letter, -1 if letter == " " else len(ALPHABET)), letter) for letter in plain)


def is_national_id(text: str) -> bool:
    """Check a ten-digit national ID (کد ملی) by its check digit: weights 10 to 2, modulus 11."""
    if len(text) != 10 or not (text.isascii() and text.isdigit()) or len(set(text)) == 1:
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(text, NATIONAL_ID_WEIGHTS, strict=False)) % 11
    return int(text[9]) == (rest if rest < 2 else 11 - rest)
