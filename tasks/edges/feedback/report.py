"""The validation report of a delivery, as a page and as a workbook."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.edges import rendering
from tasks.edges.feedback.book import REHEARSAL_NOTICE, Book, cell
from tasks.edges.feedback.content import Change, ValidationReport

EXAMPLES_A_REASON = 5
LONGEST_EXAMPLE = 60
MASKED_KINDS = ("name", "national_id", "mobile", "iban", "postcode")
OUTCOMES = {"accepted": "پذیرفته شد", "accepted_with_warnings": "با هشدار پذیرفته شد", "refused": "پذیرفته نشد"}
SEVERITIES = {"critical": "بحرانی", "warning": "هشدار", "info": "اطلاع"}
DIMENSIONS = {
    "completeness": "کامل بودن",
    "uniqueness": "یکتا بودن",
    "validity": "معتبر بودن",
    "timeliness": "به‌موقع بودن",
    "consistency": "سازگار بودن",
}
# What receipts note, in the words of an agency; a note that is not here is quoted as it stands.
NOTES_FA = (
    (r"encoding (\S+) \(found\)", "رمزگذاری متن {} تشخیص داده شد"),
    (r"delimiter (\S+) \(found\)", "جداکنندهٔ ستون‌ها {} تشخیص داده شد"),
    (r"header in row (\d+)", "سرستون‌ها در ردیف {} فایل بود"),
    (r"sheet (.+) \(found\)", "برگهٔ «{}» خوانده شد"),
    (r"(\d+) total rows? at the foot left out", "{} ردیف جمع در پایان جدول کنار گذاشته شد"),
    (r"(\d+) cells look like formulas", "{} خانه به فرمول می‌ماند و همان متن آن گرفته شد"),
    (r"(\d+) cells hold an error such as #REF!", "{} خانه خطای صفحه‌گسترده دارد"),
    (r"through (\S+)", "از راه {} رسید"),
    (r"(\d+) pages", "{} صفحه"),
    (r"resumed at page (\d+)", "از صفحهٔ {} از سر گرفته شد"),
    (r"waited (\S+) s as asked", "به خواست سامانهٔ دستگاه {} ثانیه درنگ شد"),
    (r"corrections to (\S+)", "اصلاح تحویل {}"),
    (r"(\d+) of (\d+) rows were not sent back and stay given back", "{} از {} ردیف بازنیامد و برگشتی ماند"),
    (r"(\d+) rows hold nothing but their number", "{} ردیف جز شمارهٔ خود چیزی ندارد"),
    (r"(\d+) empty rows were skipped", "{} ردیف خالی نادیده گرفته شد"),
    (
        r"(\d+) cells hold numbers of more than 15 digits, which a spreadsheet rounds",
        "{} خانه عددی بیش از ۱۵ رقم دارد که صفحه‌گسترده آن را گرد می‌کند",
    ),
    (r"column '(.*)' is not of the form and was left out", "ستون «{}» در فرم نیست و کنار گذاشته شد"),
)


def report_html(report: ValidationReport, filters: rendering.Filters) -> str:
    """Render the validation report as one page that needs no other file.

    Args:
        report: what became of the delivery.
        filters: Jinja filters `fa`, `number` and `percent`.

    Returns:
        Well-formed XHTML after its doctype; personal identifiers are masked.
    """
    context = {
        "report": report,
        "outcome": OUTCOMES[report.outcome],
        "refusal": _quoted(report.refusal) if report.refusal else None,
        "notes": [_quoted(_note_fa(note, filters["fa"])) for note in report.notes],
        "severities": SEVERITIES,
        "dimensions": DIMENSIONS,
        "rules": _rules(report),
        "reasons": _reasons(report),
        "examples": _examples(report),
        "quality": _quality_by_period(report.quality),
    }
    return rendering.dress_html(rendering.render_page("validation.html.j2", context, filters)).decode("utf-8")


def write_report_workbook(path: Path, report: ValidationReport) -> Path:
    """Write the validation report as a workbook: one header row a sheet, numbers as numbers, no merged cells."""
    with Book(path, report.is_rehearsal) as book:
        _write_table(book, "خلاصه", {"موضوع": 44, "مقدار": 60}, _summary(report))
        rules = [
            [rule["label_fa"], SEVERITIES[rule["severity"]], rule["result"], rule["row_count"], rule["threshold_fa"]]
            for rule in _rules(report)
        ]
        _write_table(book, "قواعد", {"قاعده": 60, "شدت": 12, "نتیجه": 14, "شمار ردیف": 14, "حد": 24}, rules)
        reasons = [[row["reason_fa"], row["remedy_fa"], row["row_count"], row["share"]] for row in _reasons(report)]
        _write_table(book, "دلایل", {"دلیل": 60, "راه اصلاح": 60, "شمار ردیف": 14, "سهم از ردیف‌ها": 16}, reasons)
        examples = [
            [row["row_number"], row["label_fa"], row["found"].text, row["reason_fa"], row["remedy_fa"]]
            for row in _examples(report)
        ]
        widths = {"شماره ردیف": 14, "ستون": 24, "یافته": 40, "دلیل": 60, "راه اصلاح": 60}
        _write_table(book, "نمونه‌ها", widths, examples)
        quality = [
            [row["period_text"], *(row[name] for name in DIMENSIONS)] for row in _quality_by_period(report.quality)
        ]
        _write_table(book, "کیفیت", {"دوره": 24, **dict.fromkeys(DIMENSIONS.values(), 16)}, quality)
    return path


@dataclass(frozen=True)
class _Quoted:
    text: str
    direction: str


def _quoted(text: str) -> _Quoted:
    # A page is XML, which has no control characters; they are shown by their own pictures (U+2400 on).
    shown = "".join(
        chr(0x2400 + ord(sign)) if ord(sign) < 0x20 else sign for sign in text if sign not in "\ufffe\uffff"
    )
    is_persian = any("\u0600" <= sign <= "\u06ff" or "\ufb50" <= sign <= "\ufefc" for sign in shown)
    return _Quoted(shown, "rtl" if is_persian else "ltr")


def _found(kind: str | None, found: str | None) -> _Quoted:
    text = found or ""
    # A fault of the whole row may quote any of its cells.
    if kind is None or kind in MASKED_KINDS:
        # Of a short one no more than half is shown: three letters can be a whole name.
        kept = min(3, len(text) // 2)
        text = "*" * min(len(text) - kept, LONGEST_EXAMPLE) + text[len(text) - kept :]
    return _quoted(text if len(text) <= LONGEST_EXAMPLE else text[: LONGEST_EXAMPLE - 3] + "...")


def _note_fa(note: str, digits: Callable[[str], str]) -> str:
    for pattern, words in NOTES_FA:
        said = re.fullmatch(pattern, note)
        if said:
            return words.format(*(digits(part) if part.isdecimal() else part for part in said.groups()))
    # One note may say several things; either all of them are known, or none is touched.
    parts = note.split(", ")
    words_of = [_note_fa(part, digits) for part in parts] if len(parts) > 1 else parts
    return note if any(map(str.__eq__, parts, words_of)) else "، ".join(words_of)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    texts = rows.astype(object).where(rows.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in texts.to_dict("records")]


def _rules(report: ValidationReport) -> list[dict[str, Any]]:
    results = {True: "برقرار", False: "برقرار نیست"}
    return [
        {
            **rule,
            "result": results[bool(rule["is_met"])],
            # Beside a null, pandas keeps counts as fractions.
            "row_count": None if rule["row_count"] is None else int(rule["row_count"]),
        }
        for rule in _records(report.rules)
    ]


def _reasons(report: ValidationReport) -> list[dict[str, Any]]:
    rows = report.reasons.sort_values(["row_count", "reason_code"], ascending=[False, True])
    return [{**row, "share": row["row_count"] / max(report.row_count, 1)} for row in _records(rows)]


def _examples(report: ValidationReport) -> list[dict[str, Any]]:
    reasons = {row["reason_code"]: row for row in _reasons(report)}
    place = {code: number for number, code in enumerate(reasons)}
    rows = report.examples.sort_values(["row_number", "column_name"]).groupby("reason_code").head(EXAMPLES_A_REASON)
    examples = [
        {**row, **reasons[row["reason_code"]], "found": _found(row["kind"], row["found"])} for row in _records(rows)
    ]
    return sorted(examples, key=lambda example: place[example["reason_code"]])


def _quality_by_period(quality: pd.DataFrame) -> list[dict[str, Any]]:
    periods: dict[str, dict[str, Any]] = {}
    for row in _records(quality):
        period = periods.setdefault(
            row["period_text"], {"period_text": row["period_text"], **dict.fromkeys(DIMENSIONS)}
        )
        period[row["dimension"]] = None if row["share"] is None else float(row["share"])
    return list(periods.values())


def _summary(report: ValidationReport) -> list[list[Any]]:
    rows: list[list[Any]] = [
        ["دستگاه", report.agency_name],
        ["فرم", report.form_fa],
        ["دوره", report.period_text],
        ["شناسهٔ تحویل", report.delivery_id],
        ["نسخهٔ تحویل", report.version],
        ["تاریخ دریافت", report.received_text],
        ["نتیجه", OUTCOMES[report.outcome]],
        ["ردیف‌های رسیده", report.row_count],
        ["ردیف‌های پذیرفته", report.accepted_row_count],
        ["ردیف‌های برگشتی", report.rejected_row_count],
        ["سهم ردیف‌های برگشتی", report.rejected_row_count / max(report.row_count, 1)],
        ["پیام سامانه", report.refusal],
        *[["یادداشت خواندن", _note_fa(note, str)] for note in report.notes],
        *_change_rows(report.change),
        ["تماس", report.contact],
        ["هشدار", REHEARSAL_NOTICE if report.is_rehearsal else None],
    ]
    return [row for row in rows if row[1] is not None]


def _change_rows(change: Change | None) -> list[list[Any]]:
    if change is None:
        return []
    return [
        ["سنجیده با نسخهٔ", change.version_before],
        ["ردیف‌های افزوده", change.added_count],
        ["ردیف‌های حذف‌شده", change.gone_count],
        ["ردیف‌های تغییرکرده", change.altered_count],
        *([f"تغییر در «{label}»", count] for label, count in change.columns.items()),
    ]


def _write_table(book: Book, name: str, widths: Mapping[str, int], rows: Sequence[Sequence[Any]]) -> None:
    page = book.add_table(name, list(widths), list(widths.values()))
    for place, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            if isinstance(value, str):
                page.write_string(place, at, cell(value), book.wrapped)
            elif value is not None:
                page.write_number(place, at, value, book.share if isinstance(value, float) else book.number)
