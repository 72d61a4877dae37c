"""What an agency gets back: the workbook of rows to correct, read again when it returns, and the validation report."""

from __future__ import annotations

import datetime
import hashlib
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

from methods.errors import DeliveryRefused, HeaderMismatch, Refusal, SourceUnreadable
from tasks.edges import rendering

GUIDE_SHEET, ROWS_SHEET, LISTS_SHEET, TICKET_SHEET = "راهنما", "ردیف‌های برگشتی", "فهرست‌ها", "payesh"
ROW_NUMBER_HEADER, REASON_HEADER = "شماره ردیف", "دلیل"
LARGEST_ROW_COUNT = 50_000
# A comment is a drawing to a spreadsheet program: tens of thousands of them make it unusable. The words
# of each fault also stand in the reason column, so no fault is ever known by its colour alone.
LARGEST_COMMENT_COUNT = 20_000
# Excel takes 32,767 UTF-16 units a cell, and 255 in a list written into a rule or in a message.
LONGEST_CELL, LONGEST_LIST, LONGEST_MESSAGE = 16_000, 255, 255
LARGEST_UNPACKED_BYTES = 1024**3
# Excel keeps fifteen digits of a number.
LARGEST_EXACT_NUMBER = 10**15
CREATED_AT = datetime.datetime(2000, 1, 1)
REHEARSAL_NOTICE = "داده‌های این فایل ساختگی است و تنها برای تمرین سامانه ساخته شده است."
TICKET_LAYOUT = "1"

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
KIND_HINTS = {
    "date": "تاریخ شمسی، مانند ۱۴۰۳/۰۲/۰۷",
    "money": "عدد صحیح، بدون واحد پول",
    "count": "عدد صحیح",
    "decimal": "عدد",
    "flag": "۰ یا ۱",
    "national_id": "ده رقم، با صفرهای آغاز آن",
    "legal_id": "یازده رقم",
    "iban": "IR و ۲۴ رقم",
    "mobile": "یازده رقم، مانند ۰۹۱۲۰۰۰۰۰۰۰",
    "postcode": "ده رقم، بدون خط تیره",
    "province": "کد دورقمی یا نام رسمی استان",
    "county": "کد چهاررقمی یا نام رسمی شهرستان",
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
GUIDE_STEPS = (
    "۱. برگهٔ «ردیف‌های برگشتی» را باز کنید. هر ردیف آن از فایل شماست و پذیرفته نشده است؛ دلیل در ستون آخر آمده است.",
    "۲. خانه‌های رنگی را اصلاح کنید. هر خانهٔ رنگی یادداشتی دارد که می‌گوید چه چیز در آن نادرست است.",
    "۳. در ستون‌هایی که فهرست دارند، مقدار را از فهرست همان خانه برگزینید.",
    "۴. سرستون‌ها، نام برگه‌ها و ستون شمارهٔ ردیف را تغییر ندهید؛ جابه‌جا کردن ستون‌ها اشکالی ندارد.",
    "۵. ردیفی را که نمی‌توانید اصلاح کنید از این فایل پاک کنید؛ آن ردیف برگشتی می‌ماند و در هیچ رقمی شمرده نمی‌شود.",
    "۶. ردیف تازه به این فایل نیفزایید؛ ردیف تازه را در تحویل بعدی بفرستید.",
    "۷. فایل را با همین قالب (xlsx) ذخیره کنید و از همان راهی که داده‌ها را فرستاده‌اید بازفرستید.",
)


# the rows given back -----------------------------------------------------------------------------


@dataclass(frozen=True)
class FeedbackColumn:
    """One column of a form, as the agency knows it.

    Args:
        name: column of the form.
        header: header the agency delivers it under.
        label_fa: what it means.
        allowed: value the agency may write -> its meaning; None where any value may stand.
        kind: kind of value, as the form says it.
    """

    name: str
    header: str
    label_fa: str
    allowed: Mapping[str, str] | None
    kind: str


@dataclass(frozen=True)
class FeedbackSheet:
    """The rows of one delivery that are given back.

    Args:
        agency_name: for the reader.
        source_code: source of the delivery.
        delivery_id: the delivery.
        form: its form.
        period_text: its period, in words.
        is_rehearsal: whether the data are made up.
        row_count: rows delivered.
        given_back_count: rows given back, of which `rows` may hold the first only.
        columns: columns of the form, in the order the agency delivers them.
        rows: row_number and one text column a column of the form, as delivered.
        faults: row_number, column_name, reason_code, reason_fa, remedy_fa, found, candidates [text or null];
            a column_name that is no column of the form means the whole row.
    """

    agency_name: str
    source_code: str
    delivery_id: str
    form: str
    period_text: str
    is_rehearsal: bool
    row_count: int
    given_back_count: int
    columns: Sequence[FeedbackColumn]
    rows: pd.DataFrame
    faults: pd.DataFrame


@dataclass(frozen=True)
class Change:
    """What a version of a delivery changed against the version before.

    Args:
        version_before: number of that version.
        added_count: rows that are new.
        gone_count: rows that are gone.
        altered_count: rows that say something else.
        columns: what a column means -> rows altered in it.
    """

    version_before: int
    added_count: int
    gone_count: int
    altered_count: int
    columns: Mapping[str, int]


@dataclass(frozen=True)
class ValidationReport:
    """What became of one version of a delivery.

    Args:
        agency_name: for the reader.
        source_code: source of the delivery.
        delivery_id: the delivery.
        form_fa: what is delivered, in words.
        period_text: its period, in words.
        version: its version, from 1.
        received_text: the day it was received, in words of the Jalali calendar.
        is_rehearsal: whether the data are made up.
        contact: whom to ask.
        row_count: rows delivered.
        accepted_row_count: rows that go on.
        rejected_row_count: rows given back.
        outcome: accepted, accepted_with_warnings or refused.
        refusal: why a refused delivery was refused, in the words of the system; else None.
        notes: what was met while fetching and reading, as the receipt says it.
        rules: label_fa, severity (critical, warning, info), is_met, row_count [rows that break it, or null],
            threshold_fa [text or null].
        reasons: reason_code, reason_fa, remedy_fa, row_count [rows given back for it].
        examples: reason_code, row_number, column_name, kind, label_fa [what the column means], found; kind is
            null where the whole row is meant; those of a reason after the fifth are left out.
        change: against the version before, or None for the first.
        quality: period_text, dimension, share [0 to 1, or null], oldest period first.
    """

    agency_name: str
    source_code: str
    delivery_id: str
    form_fa: str
    period_text: str
    version: int
    received_text: str
    is_rehearsal: bool
    contact: str
    row_count: int
    accepted_row_count: int
    rejected_row_count: int
    outcome: str
    refusal: str | None
    notes: Sequence[str]
    rules: pd.DataFrame
    reasons: pd.DataFrame
    examples: pd.DataFrame
    change: Change | None
    quality: pd.DataFrame


@dataclass(frozen=True)
class Patch:
    """What an agency sends back: corrected rows of one delivery.

    Args:
        delivery_id: the delivery they correct.
        source_code: its source.
        form: its form.
        columns: columns of the form, in the order of the cells.
        rows: row number and cells as text.
        notes: what was met on the way, for the receipt.
    """

    delivery_id: str
    source_code: str
    form: str
    columns: list[str]
    rows: Iterator[tuple[int, list[str]]]
    notes: list[str]


def write_workbook(path: Path, sheet: FeedbackSheet) -> Path:
    """Write the rows given back as a workbook to correct and send back; the same rows give the same bytes."""
    headers = _free_headers(sheet)
    rows = sheet.rows.sort_values("row_number").head(LARGEST_ROW_COUNT)
    with _Book(path, sheet.is_rehearsal) as book:
        _write_guide(book, sheet, headers, len(rows))
        _write_rows(book, sheet, headers, rows)
        _write_lists(book, sheet, headers)
        _write_ticket(book, sheet, headers, rows["row_number"].tolist())
    return path


def is_feedback(path: Path) -> bool:
    """Say whether a file is a workbook of rows given back, rather than a delivery."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with path.open("rb") as content, CalamineWorkbook.from_filelike(content) as book:
            # Where one of the two is gone, its reader says so; taken for a delivery it would only baffle.
            return TICKET_SHEET in book.sheet_names or ROWS_SHEET in book.sheet_names
    except CalamineError:
        return False


def read_workbook(
    place: str,
    path: Path,
    *,
    source_code: str | None = None,
    form: str | None = None,
    key: Callable[[str], str] = str.strip,
) -> Patch:
    """Read the corrected rows an agency sends back.

    Columns in another order, rows left out and empty rows are fine; a row left out stays given back.

    Args:
        place: where the workbook was met, for refusals.
        path: the workbook.
        source_code: source it must belong to, where that is known.
        form: form it must belong to, where that is known.
        key: brings a header to the form in which headers are compared.

    Returns:
        The corrected rows, in the order they stand in the workbook.

    Raises:
        SourceUnreadable: no whole workbook, or its hidden sheet or its sheet of rows is gone.
        HeaderMismatch: a header was renamed, removed or doubled.
        DeliveryRefused: of another source or form, or a row number unknown, repeated or no number.
    """
    with _opened(place, path) as book:
        ticket = _read_ticket(place, book)
        _refuse_another(place, ticket, source_code, form)
        table = _table(place, book, ROWS_SHEET)
    where = f"{place}, sheet {ROWS_SHEET}"
    header = [key(_cell_text(cell)) for cell in table[0]] if table else []
    places, notes = _header_places(where, header, ticket, key)
    rows = _patch_rows(where, table[1:], places, ticket, notes)
    columns = [name for name, _ in ticket.columns]
    return Patch(ticket.delivery_id, ticket.source_code, ticket.form, columns, iter(rows), notes)


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
    with _Book(path, report.is_rehearsal) as book:
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


class _Book:
    """A workbook that reads right to left, keeps text as text, and appears under its name only when whole."""

    def __init__(self, path: Path, is_rehearsal: bool) -> None:
        self._path, self._half = path, path.with_name(path.name + ".part")
        self._is_rehearsal = is_rehearsal
        path.parent.mkdir(parents=True, exist_ok=True)
        font = {"font_name": "Tahoma", "font_size": 10}
        self._book = xlsxwriter.Workbook(
            str(self._half), {"constant_memory": True, "default_format_properties": font, "strings_to_formulas": False}
        )
        self._book.set_properties({"title": path.stem, "created": CREATED_AT})
        self.text = self._book.add_format({"num_format": "@"})
        self.fault = self._book.add_format(
            {"num_format": "@", "bg_color": "#FFE0B2", "border": 2, "border_color": "#8A3B00"}
        )
        self.wrapped = self._book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self.header = self._book.add_format(
            {"bold": True, "bg_color": "#D9E6E6", "bottom": 2, "text_wrap": True, "valign": "top"}
        )
        self.title = self._book.add_format({"bold": True, "font_size": 14, "font_color": "#0B6E6E"})
        self.notice = self._book.add_format({"bold": True, "font_color": "#8A3B00", "bg_color": "#FFF3E0"})
        self.number = self._book.add_format({"num_format": "#,##0", "align": "right"})
        self.share = self._book.add_format({"num_format": "0.00%", "align": "right"})
        self.row_number = self._book.add_format({"bg_color": "#ECEFF1", "font_color": "#455A64", "num_format": "0"})
        self.row_fault = self._book.add_format(
            {"bg_color": "#FFE0B2", "border": 2, "border_color": "#8A3B00", "num_format": "0"}
        )

    def __enter__(self) -> _Book:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Closing also after a failure is what removes xlsxwriter's temporary files.
        self._book.close()
        if kind is None:
            self._half.rename(self._path)
        else:
            self._half.unlink()

    def add_sheet(self, name: str) -> Any:
        sheet = self._book.add_worksheet(name)
        sheet.right_to_left()
        sheet.set_paper(9)
        if self._is_rehearsal:
            sheet.set_header(f"&C{REHEARSAL_NOTICE}")
        return sheet

    def add_table(self, name: str, headers: Sequence[str], widths: Sequence[int]) -> Any:
        sheet = self.add_sheet(name)
        for place, (header, width) in enumerate(zip(headers, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, _cell(header), self.header)
        sheet.freeze_panes(1, 0)
        return sheet


def _cell(text: str) -> str:
    cut = text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"
    # xlsxwriter takes text between these marks for XML of its own and would put it in as it stands.
    return cut + " " if cut.startswith("<r>") and cut.endswith("</r>") else cut


def _free_headers(sheet: FeedbackSheet) -> dict[str, str]:
    taken = {ROW_NUMBER_HEADER, REASON_HEADER}
    headers = {}
    for column in sheet.columns:
        header = column.header.strip()
        while header in taken:
            header += " (دستگاه)"
        taken.add(header)
        headers[column.name] = header
    return headers


def _write_guide(book: _Book, sheet: FeedbackSheet, headers: Mapping[str, str], shown_count: int) -> None:
    page = book.add_sheet(GUIDE_SHEET)
    page.set_column(0, 0, 46)
    page.set_column(1, 1, 70)
    page.set_column(2, 2, 60)
    lines: list[tuple[Sequence[str | int], Any]] = [([f"ردیف‌های برگشتی {sheet.agency_name}"], book.title)]
    lines += [([REHEARSAL_NOTICE], book.notice)] if sheet.is_rehearsal else []
    lines += [(fact, book.wrapped) for fact in _facts(sheet, shown_count)]
    lines += [([], book.text), (["چگونه اصلاح کنید و بازفرستید"], book.header)]
    lines += [([step], book.text) for step in GUIDE_STEPS]
    lines += [([], book.text), (["سرستون شما", "معنا", "مقدارهای مجاز"], book.header)]
    for column in sheet.columns:
        lines.append(([headers[column.name], column.label_fa, _allowed_text(column)], book.wrapped))
    for place, (cells, style) in enumerate(lines):
        _write_line(page, place, cells, style, book.number)


def _facts(sheet: FeedbackSheet, shown_count: int) -> list[tuple[str, str | int]]:
    facts: list[tuple[str, str | int]] = [
        ("دوره", sheet.period_text),
        ("شناسهٔ تحویل", sheet.delivery_id),
        ("ردیف‌های رسیده", sheet.row_count),
        ("ردیف‌های برگشتی", sheet.given_back_count),
        ("از آن‌ها در این فایل", shown_count),
    ]
    left_out = sheet.given_back_count - shown_count
    # The rest comes when these are mended: a workbook of more rows is no longer one a person can mend.
    return [*facts, ("در این فایل جا نشده است و پس از اصلاح این‌ها می‌آید", left_out)] if left_out else facts


def _write_line(page: Any, place: int, cells: Sequence[Any], text_style: Any, number_style: Any) -> None:
    for column, value in enumerate(cells):
        if isinstance(value, int):
            page.write_number(place, column, value, number_style)
        else:
            page.write_string(place, column, _cell(value), text_style)


def _allowed_text(column: FeedbackColumn) -> str:
    if not column.allowed:
        return KIND_HINTS.get(column.kind, "")
    shown = list(column.allowed)[:10]
    return "، ".join(shown) + (f" و … (برگهٔ «{LISTS_SHEET}»)" if len(column.allowed) > len(shown) else "")


def _write_rows(book: _Book, sheet: FeedbackSheet, headers: Mapping[str, str], rows: pd.DataFrame) -> None:
    names = [column.name for column in sheet.columns]
    shown = [ROW_NUMBER_HEADER, *(headers[name] for name in names), REASON_HEADER]
    page = book.add_table(ROWS_SHEET, shown, [12, *(18 for _ in names), 90])
    page.freeze_panes(1, 1)
    page.autofilter(0, 0, len(rows), len(names) + 1)
    faults = _faults_by_row(sheet.faults)
    comments = 0
    for place, (number, *cells) in enumerate(rows[["row_number", *names]].itertuples(index=False, name=None), 1):
        of_row = faults.get(number, [])
        reasons = _reasons_by_place(of_row, names)
        page.write_number(place, 0, number, book.row_fault if 0 in reasons else book.row_number)
        styles = [book.fault if at in reasons else book.text for at, _ in enumerate(names, 1)]
        _write_cells(page, place, cells, styles)
        page.write_string(place, len(names) + 1, _cell(_reason_text(of_row, headers)), book.wrapped)
        for at, text in reasons.items():
            comments += 1
            if comments <= LARGEST_COMMENT_COUNT:
                page.write_comment(place, at, _cell(text), {"author": TICKET_SHEET, "x_scale": 2})
    for at, column in enumerate(sheet.columns, 1):
        _offer_choices(page, at, len(rows), sheet, column)


def _write_cells(page: Any, place: int, cells: Sequence[Any], styles: Sequence[Any]) -> None:
    for at, (text, style) in enumerate(zip(cells, styles, strict=True), 1):
        if isinstance(text, str) and text:
            page.write_string(place, at, _cell(text), style)
        else:
            page.write_blank(place, at, None, style)


def _faults_by_row(faults: pd.DataFrame) -> dict[int, list[dict[str, Any]]]:
    by_row: dict[int, list[dict[str, Any]]] = {}
    texts = faults.astype(object).where(faults.notna(), None)
    for fault in texts.sort_values(["row_number", "column_name", "reason_code"]).to_dict("records"):
        by_row.setdefault(fault["row_number"], []).append({str(name): value for name, value in fault.items()})
    return by_row


def _reasons_by_place(faults: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[int, str]:
    reasons: dict[int, list[str]] = {}
    for fault in faults:
        # What concerns the whole row is marked at its number.
        at = names.index(fault["column_name"]) + 1 if fault["column_name"] in names else 0
        reasons.setdefault(at, []).append(_fault_text(fault))
    return {at: "\n".join(texts) for at, texts in reasons.items()}


def _reason_text(faults: Sequence[Mapping[str, Any]], headers: Mapping[str, str]) -> str:
    return "\n".join(f"{headers.get(fault['column_name'], 'همهٔ ردیف')}: {_fault_text(fault)}" for fault in faults)


def _fault_text(fault: Mapping[str, Any]) -> str:
    text = _sentences(fault["reason_fa"], fault["remedy_fa"])
    return f"{text} نزدیک‌ترین: {fault['candidates']}" if fault["candidates"] else text


def _sentences(reason_fa: str, remedy_fa: str | None) -> str:
    if not remedy_fa or remedy_fa == reason_fa:
        return reason_fa
    return f"{reason_fa.rstrip('.؛ ')}؛ {remedy_fa}"


def _offer_choices(page: Any, place: int, row_count: int, sheet: FeedbackSheet, column: FeedbackColumn) -> None:
    if not column.allowed or not row_count:
        return
    choices = list(column.allowed)
    listed = len(",".join(choices)) <= LONGEST_LIST and not any("," in choice or '"' in choice for choice in choices)
    meanings = "، ".join(f"{code} = {label}" for code, label in column.allowed.items() if code != label)
    rule: dict[str, Any] = {
        "validate": "list",
        "source": choices if listed else _list_range(sheet, column),
        "error_title": "مقدار پذیرفته نیست",
        "error_message": "یکی از مقدارهای فهرست این خانه را برگزینید.",
    }
    if meanings:
        rule |= {"input_title": column.label_fa[:32], "input_message": meanings[:LONGEST_MESSAGE]}
    page.data_validation(1, place, row_count, place, rule)


def _coded(sheet: FeedbackSheet) -> list[FeedbackColumn]:
    return [column for column in sheet.columns if column.allowed]


def _list_range(sheet: FeedbackSheet, column: FeedbackColumn) -> str:
    letter = xlsxwriter.utility.xl_col_to_name(2 * _coded(sheet).index(column))
    return f"='{LISTS_SHEET}'!${letter}$2:${letter}${len(column.allowed or {}) + 1}"


def _write_lists(book: _Book, sheet: FeedbackSheet, headers: Mapping[str, str]) -> None:
    coded = _coded(sheet)
    if not coded:
        return
    shown = [text for column in coded for text in (headers[column.name], f"معنای {headers[column.name]}")]
    page = book.add_table(LISTS_SHEET, shown, [24] * len(shown))
    for place in range(max(len(column.allowed or {}) for column in coded)):
        for number, column in enumerate(coded):
            pairs = list((column.allowed or {}).items())
            for side, text in enumerate(pairs[place] if place < len(pairs) else ()):
                page.write_string(place + 1, 2 * number + side, _cell(text), book.text)


# the ticket: what tells whose rows they are -------------------------------------------------------


@dataclass(frozen=True)
class _Ticket:
    delivery_id: str
    source_code: str
    form: str
    columns: Sequence[tuple[str, str]]
    row_numbers: Sequence[int]

    @property
    def digest(self) -> str:
        parts = [self.delivery_id, self.source_code, self.form, *(f"{name}={header}" for name, header in self.columns)]
        return hashlib.sha256("\n".join([*parts, *map(str, self.row_numbers)]).encode()).hexdigest()

    def lines(self) -> Iterator[tuple[str, str, str]]:
        yield "layout", TICKET_LAYOUT, ""
        yield "delivery_id", self.delivery_id, ""
        yield "source_code", self.source_code, ""
        yield "form", self.form, ""
        yield "digest", self.digest, ""
        yield from (("column", name, header) for name, header in self.columns)
        yield from (("row", str(number), "") for number in self.row_numbers)


def _write_ticket(book: _Book, sheet: FeedbackSheet, headers: Mapping[str, str], numbers: Sequence[int]) -> None:
    columns = [(column.name, headers[column.name]) for column in sheet.columns]
    page = book.add_sheet(TICKET_SHEET)
    page.very_hidden()
    ticket = _Ticket(sheet.delivery_id, sheet.source_code, sheet.form, columns, numbers)
    for place, line in enumerate(ticket.lines()):
        _write_line(page, place, line, book.text, book.number)


def _opened(place: str, path: Path) -> CalamineWorkbook:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_UNPACKED_BYTES:
            raise _unreadable(place, f"a workbook that unpacks to {unpacked} bytes", "a workbook of plausible size")
        # By its content: a spooled or archived file does not end in .xlsx.
        with path.open("rb") as content:
            return CalamineWorkbook.from_filelike(content)
    except (zipfile.BadZipFile, CalamineError) as error:
        raise _unreadable(place, str(error), "a whole workbook (xlsx)") from error


def _table(place: str, book: CalamineWorkbook, name: str) -> list[list[Any]]:
    try:
        return book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except WorksheetNotFound as error:
        raise _unreadable(place, f"no sheet {name!r}", "the sheets the workbook was sent out with") from error
    except CalamineError as error:
        raise _unreadable(f"{place}, sheet {name}", str(error), "a whole sheet") from error


def _read_ticket(place: str, book: CalamineWorkbook) -> _Ticket:
    lines = [[_cell_text(cell) for cell in row] + ["", ""] for row in _table(place, book, TICKET_SHEET)]
    said = {line[0]: line[1] for line in lines}
    try:
        ticket = _Ticket(
            said["delivery_id"],
            said["source_code"],
            said["form"],
            [(line[1], line[2]) for line in lines if line[0] == "column"],
            [int(line[1]) for line in lines if line[0] == "row"],
        )
        is_whole = (said["layout"], said["digest"]) == (TICKET_LAYOUT, ticket.digest)
    except (KeyError, ValueError):
        is_whole = False
    if not is_whole:
        raise _unreadable(f"{place}, sheet {TICKET_SHEET}", "a hidden sheet that was altered", "it as it was sent out")
    return ticket


def _unreadable(place: str, found: str, wanted: str) -> SourceUnreadable:
    return SourceUnreadable(
        place=place,
        found=found,
        wanted=wanted,
        remedy="Ask the agency to correct the workbook it was sent and to send back that very file, all sheets in it.",
    )


def _refuse_another(place: str, ticket: _Ticket, source_code: str | None, form: str | None) -> None:
    for what, found, wanted in (("source", ticket.source_code, source_code), ("form", ticket.form, form)):
        if wanted is not None and found != wanted:
            raise DeliveryRefused(
                place=place,
                found=f"rows given back of the {what} {found} (delivery {ticket.delivery_id})",
                wanted=f"those of the {what} {wanted}",
                remedy="The workbook went to the wrong place: put it where its own deliveries arrive.",
            )


def _header_places(
    place: str, header: Sequence[str], ticket: _Ticket, key: Callable[[str], str]
) -> tuple[list[int], list[str]]:
    wanted = {key(text): text for text in (ROW_NUMBER_HEADER, *(header for _, header in ticket.columns))}
    counts = Counter(text for text in header if text)
    missing = [text for name, text in wanted.items() if name not in counts]
    doubled = [name for name, count in counts.items() if count > 1 and name in wanted]
    unknown = [name for name in counts if name not in wanted and name != key(REASON_HEADER)]
    if missing or doubled:
        parts = [f"no header {', '.join(map(repr, missing))}"] if missing else []
        parts += [f"the header {', '.join(map(repr, doubled))} more than once"] if doubled else []
        parts += [f"unknown header {', '.join(map(repr, unknown))}"] if unknown else []
        raise HeaderMismatch(
            place=f"{place}, row 1",
            found="; ".join(parts),
            wanted="each header as it was sent out, in any order",
            remedy="Ask the agency to restore the headers of row 1 and to send the workbook back again.",
        )
    notes = [f"column {name!r} is not of the form and was left out" for name in unknown]
    return [header.index(name) for name in wanted], notes


def _patch_rows(
    place: str, table: Sequence[Sequence[Any]], places: Sequence[int], ticket: _Ticket, notes: list[str]
) -> list[tuple[int, list[str]]]:
    known, rows = set(ticket.row_numbers), dict[int, list[str]]()
    empty = cleared = rounded = 0
    for line, cells in enumerate(table, 2):
        number_text, *texts = [_cell_text(cells[index]) for index in places]
        if not number_text and not any(texts):
            empty += 1
            continue
        number = _row_number(f"{place}, row {line}", number_text, known, rows)
        if not any(texts):
            cleared += 1
            continue
        rounded += sum(_is_rounded(cells[index]) for index in places[1:])
        rows[number] = texts
    left_out = len(known) - len(rows)
    counted = (
        (left_out, f"{left_out} of {len(known)} rows were not sent back and stay given back"),
        (cleared, f"{cleared} rows hold nothing but their number"),
        (empty, f"{empty} empty rows were skipped"),
        (rounded, f"{rounded} cells hold numbers of more than 15 digits, which a spreadsheet rounds"),
    )
    notes += [text for count, text in counted if count]
    return list(rows.items())


def _row_number(place: str, text: str, known: set[int], seen: Mapping[int, object]) -> int:
    if not text.strip().isdecimal():
        raise _bad_row(place, f"the row number {text!r}", "the number the row was sent out with")
    number = int(text)
    if number not in known:
        raise _bad_row(place, f"the row number {number}, which was not given back", "a row of this workbook")
    if number in seen:
        raise _bad_row(place, f"the row number {number} a second time", "each row once")
    return number


def _bad_row(place: str, found: str, wanted: str) -> Refusal:
    return DeliveryRefused(
        place=place,
        found=found,
        wanted=wanted,
        remedy=f"Ask the agency to restore the column «{ROW_NUMBER_HEADER}»; new rows belong into its next delivery.",
    )


def _is_rounded(value: object) -> bool:
    return isinstance(value, float) and abs(value) >= LARGEST_EXACT_NUMBER


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return "" if value is None else str(value)


# the validation report ---------------------------------------------------------------------------


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


def _write_table(book: _Book, name: str, widths: Mapping[str, int], rows: Sequence[Sequence[Any]]) -> None:
    page = book.add_table(name, list(widths), list(widths.values()))
    for place, row in enumerate(rows, 1):
        for at, value in enumerate(row):
            if isinstance(value, str):
                page.write_string(place, at, _cell(value), book.wrapped)
            elif value is not None:
                page.write_number(place, at, value, book.share if isinstance(value, float) else book.number)
