"""Persian text: one form to compare by, one to print, and the identifiers written in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from methods import english

PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
ALPHABET = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"

# All that str.split() and PostgreSQL's \s know between them, as neither knows what the other does.
WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x20\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_SCRIPTS = (PERSIAN_DIGITS, ARABIC_DIGITS)
_SPACE_RUN = re.compile(" {2,}")
HALF_SPACE = "\u200c"
MADDA = "\u0653"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"

_TWINS: dict[str, int | str] = {
    "ي": "ی", "ى": "ی", "ئ": "ی", "ے": "ی", "ۓ": "ی", "ې": "ی", "ۍ": "ی", "ك": "ک", "ڪ": "ک", "ۀ": "ه",
    "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ۂ": "ه", "ۃ": "ه", "أ": "ا", "إ": "ا", "ٱ": "ا", "ؤ": "و",
}  # fmt: skip
# Vowel signs and Koranic marks, tatweel; then the signs nobody sees: direction, joining, soft hyphen, BOM.
_MARKS = ((0x0610, 0x061A), (0x064B, 0x0652), (0x0654, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E4),
          (0x06E7, 0x06E8), (0x06EA, 0x06ED), (0x0640, 0x0640))  # fmt: skip
_HIDDEN = ((0x00AD, 0x00AD), (0x061C, 0x061C), (0x200B, 0x200B), (0x200D, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064),
           (0x2066, 0x2069), (0xFEFF, 0xFEFF))  # fmt: skip
_PRESENTATION_FORMS = ((0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
_EZAFE = re.compile(f"ه{HALF_SPACE}ی(?![^ {HALF_SPACE}\0])")
_SEPARATORS = str.maketrans("", "", " " + DASHES)
_MOBILE = re.compile(r"(?:\+?98|0098)?0?(9[0-9]{9})")
_TO_PERSIAN = str.maketrans("0123456789", PERSIAN_DIGITS)
_ORDER = {letter: place for place, letter in enumerate(ALPHABET)}
NATIONAL_ID_WEIGHTS = range(10, 1, -1)
LEGAL_ID_WEIGHTS = (29, 27, 23, 19, 17) * 2


def _characters(ranges: Sequence[tuple[int, int]]) -> str:
    return "".join(chr(code) for first, last in ranges for code in range(first, last + 1))


def conforming_table() -> dict[int, int | str]:
    """Give the table of str.translate() that conforming begins with."""
    # A letter str.translate() finds is many times cheaper than one it does not: hence the letters that stay.
    table: dict[int, int | str] = {code: code for code in range(0x0700)}
    table.update(str.maketrans(_TWINS))
    table.update({ord(digit): str(value) for script in _SCRIPTS for value, digit in enumerate(script)})
    table.update(dict.fromkeys(map(ord, WHITE_SPACE), " "))
    table.update(dict.fromkeys(map(ord, _characters(_MARKS) + _characters(_HIDDEN)), ""))
    # These two are read together with the letter before them, after the table.
    table.update({ord(MADDA): MADDA, ord(HALF_SPACE): HALF_SPACE})
    for form in _characters(_PRESENTATION_FORMS):
        # The form of a lone vowel sign stands on a space that is not in the word.
        table[ord(form)] = unicodedata.normalize("NFKC", form).lstrip(" ").translate(table)
    return table


_CONFORM = conforming_table()


def conform(text: str) -> str:
    """Bring text to the form in which headers, names and codes are compared.

    Arabic letters and presentation forms become Persian letters, digits of three scripts ASCII; NUL (which
    PostgreSQL cannot hold), hidden signs, tatweel and vowel signs go; «هٔ», «ۀ» and «ه‌ی» at a word's end
    become «ه»; a half-space becomes a space; white space is folded. `reference.conform` is the same rule in SQL.
    """
    return _conform(text.replace("\0", "")).strip(" ")


def conform_all(texts: Sequence[str]) -> list[str]:
    """Conform many texts, at a fraction of what one call a text costs.

    Args:
        texts: any texts.

    Returns:
        The conformed texts, in order.
    """
    if not texts:
        return []
    # No conformed text holds a NUL, so NUL can stand between texts once they are rid of their own.
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:
        joined = "\0".join([text.replace("\0", "") for text in texts])
    joined = _conform(joined).replace(" \0", "\0").replace("\0 ", "\0")
    return joined.strip(" ").split("\0")


def _conform(text: str) -> str:
    text = text.translate(_CONFORM)
    if MADDA in text:
        text = text.replace("ا" + MADDA, "آ").replace(MADDA, "")
    if HALF_SPACE in text:
        text = _EZAFE.sub("ه", text).replace(HALF_SPACE, " ")
    return _SPACE_RUN.sub(" ", text) if "  " in text else text


def name_key(text: str) -> str:
    """Give the key by which names are matched: conformed, without spaces."""
    return conform(text).replace(" ", "")


def national_id(text: str) -> str | None:
    """Read a person's national ID (کد ملی): ten digits, or None.

    Spreadsheets drop leading zeros, so eight or nine digits are given them back; spaces and dashes are let pass.
    Weights 10 to 2 over nine digits, modulus 11; a remainder below 2 is the check digit, otherwise 11 minus it.

    Source:
        The rule of the civil registration organisation as commonly published; ten equal digits meet it and
        are nobody's.
    """
    code = _bare(text)
    if not (_is_number(code) and 8 <= len(code) <= 10):
        return None
    code = code.zfill(10)
    rest = sum(int(digit) * weight for digit, weight in zip(code, NATIONAL_ID_WEIGHTS, strict=False)) % 11
    is_right = int(code[9]) == (rest if rest < 2 else 11 - rest) and len(set(code)) > 1
    return code if is_right else None


def legal_id(text: str) -> str | None:
    """Read a legal person's national ID (شناسه ملی): eleven digits, or None.

    The tenth digit plus 2 is added to each of the first ten; weights 29, 27, 23, 19, 17 twice; modulus 11,
    where a remainder of 10 counts as 0, gives the eleventh.

    Source:
        No official text is public; as in persian-tools/persian-tools, src/modules/legalId, which also refuses
        a serial (digits four to nine) of zeros.
    """
    code = _bare(text)
    if not (_is_number(code) and len(code) == 11) or code[3:9] == "000000":
        return None
    added = int(code[9]) + 2
    rest = sum((int(digit) + added) * weight for digit, weight in zip(code, LEGAL_ID_WEIGHTS, strict=False)) % 11
    return code if int(code[10]) == rest % 10 else None


def iban(text: str) -> str | None:
    """Read an Iranian bank account number (شبا): IR and 24 digits, or None; a missing IR is supplied.

    Source:
        ISO 13616-1:2020, check digits by ISO 7064 mod 97-10; length by the SWIFT IBAN registry, entry IR.
    """
    code = _bare(text).upper().removeprefix("IR")
    if not (_is_number(code) and len(code) == 24):
        return None
    # I and R stand for 18 and 27, and move behind the account with the check digits.
    return "IR" + code if int(code[2:] + "1827" + code[:2]) % 97 == 1 else None


def mobile(text: str) -> str | None:
    """Read a mobile number: 09 and nine digits, or None; +98, 0098, 98 or no zero in front come to the same."""
    found = _MOBILE.fullmatch(_bare(text).replace("(", "").replace(")", ""))
    return "0" + found[1] if found else None


def postcode(text: str) -> str | None:
    """Read a ten-digit postal code, or None.

    The first digit is not 0 and the digits are not all equal. The post's older rule, no 0 or 2 among the
    first five digits, is not held against a code: agencies deliver working codes that break it.
    """
    code = _bare(text)
    is_right = _is_number(code) and len(code) == 10 and code[0] != "0" and len(set(code)) > 1
    return code if is_right else None


def _bare(text: str) -> str:
    return conform(text).translate(_SEPARATORS)


def _is_number(code: str) -> bool:
    return code.isascii() and code.isdigit()


def digits(text: object) -> str:
    """Write ASCII digits as Persian ones."""
    return str(text).translate(_TO_PERSIAN)


def number(value: float | int, decimals: int = 0) -> str:
    """Write a number with Persian digits, ٬ between thousands, ٫ before decimals and − for minus."""
    return digits(english.number(value, decimals).replace(",", "٬").replace(".", "٫"))


def percent(share: float, decimals: int = 2) -> str:
    """Write a share as a percentage: 0.6805 is ۶۸٫۰۵٪."""
    return number(share * 100, decimals) + "٪"


def sort_key(text: str) -> tuple[tuple[int, str], ...]:
    """Give the key that sorts text by the Persian alphabet; آ comes before ا, other signs after letters."""
    plain = text.replace("ي", "ی").replace("ك", "ک").replace("\u200c", " ")
    return tuple((_ORDER.get(letter, -1 if letter == " " else len(ALPHABET)), letter) for letter in plain)
