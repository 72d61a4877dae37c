"""The workbook of rows to correct, as it goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from tasks.edges.feedback.book import REHEARSAL_NOTICE, Book, cell, write_line
from tasks.edges.feedback.content import FeedbackColumn, FeedbackSheet
from tasks.edges.feedback.layout import (
    GUIDE_SHEET,
    LISTS_SHEET,
    REASON_HEADER,
    ROW_NUMBER_HEADER,
    ROWS_SHEET,
    TICKET_SHEET,
    Ticket,
)

LARGEST_ROW_COUNT = 50_000
# A comment is a drawing to a spreadsheet program: tens of thousands of them make it unusable. The words
# of each fault also stand in the reason column, so no fault is ever known by its colour alone.
LARGEST_COMMENT_COUNT = 20_000
# Excel takes 255 UTF-16 units in a list that is written into a rule, and as many in a message.
LONGEST_LIST, LONGEST_MESSAGE = 255, 255
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
GUIDE_STEPS = (
    "۱. برگهٔ «ردیف‌های برگشتی» را باز کنید. هر ردیف آن از فایل شماست و پذیرفته نشده است؛ دلیل در ستون آخر آمده است.",
    "۲. خانه‌های رنگی را اصلاح کنید. هر خانهٔ رنگی یادداشتی دارد که می‌گوید چه چیز در آن نادرست است.",
    "۳. در ستون‌هایی که فهرست دارند، مقدار را از فهرست همان خانه برگزینید.",
    "۴. سرستون‌ها، نام برگه‌ها و ستون شمارهٔ ردیف را تغییر ندهید؛ جابه‌جا کردن ستون‌ها اشکالی ندارد.",
    "۵. ردیفی را که نمی‌توانید اصلاح کنید از این فایل پاک کنید؛ آن ردیف برگشتی می‌ماند و در هیچ رقمی شمرده نمی‌شود.",
    "۶. ردیف تازه به این فایل نیفزایید؛ ردیف تازه را در تحویل بعدی بفرستید.",
    "۷. فایل را با همین قالب (xlsx) ذخیره کنید و از همان راهی که داده‌ها را فرستاده‌اید بازفرستید.",
)


def write_workbook(path: Path, sheet: FeedbackSheet) -> Path:
    """Write the rows given back as a workbook to correct and send back; the same rows give the same bytes."""
    headers = _free_headers(sheet)
    rows = sheet.rows.sort_values("row_number").head(LARGEST_ROW_COUNT)
    with Book(path, sheet.is_rehearsal) as book:
        _write_guide(book, sheet, headers, len(rows))
        _write_rows(book, sheet, headers, rows)
        _write_lists(book, sheet, headers)
        _write_ticket(book, sheet, headers, rows["row_number"].tolist())
    return path


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


def _write_guide(book: Book, sheet: FeedbackSheet, headers: Mapping[str, str], shown_count: int) -> None:
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
        write_line(page, place, cells, style, book.number)


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


def _allowed_text(column: FeedbackColumn) -> str:
    if not column.allowed:
        return KIND_HINTS.get(column.kind, "")
    shown = list(column.allowed)[:10]
    return "، ".join(shown) + (f" و … (برگهٔ «{LISTS_SHEET}»)" if len(column.allowed) > len(shown) else "")


def _write_rows(book: Book, sheet: FeedbackSheet, headers: Mapping[str, str], rows: pd.DataFrame) -> None:
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
        page.write_string(place, len(names) + 1, cell(_reason_text(of_row, headers)), book.wrapped)
        for at, text in reasons.items():
            comments += 1
            if comments <= LARGEST_COMMENT_COUNT:
                page.write_comment(place, at, cell(text), {"author": TICKET_SHEET, "x_scale": 2})
    for at, column in enumerate(sheet.columns, 1):
        _offer_choices(page, at, len(rows), sheet, column)


def _write_cells(page: Any, place: int, cells: Sequence[Any], styles: Sequence[Any]) -> None:
    for at, (text, style) in enumerate(zip(cells, styles, strict=True), 1):
        if isinstance(text, str) and text:
            page.write_string(place, at, cell(text), style)
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


def _write_lists(book: Book, sheet: FeedbackSheet, headers: Mapping[str, str]) -> None:
    coded = _coded(sheet)
    if not coded:
        return
    shown = [text for column in coded for text in (headers[column.name], f"معنای {headers[column.name]}")]
    page = book.add_table(LISTS_SHEET, shown, [24] * len(shown))
    for place in range(max(len(column.allowed or {}) for column in coded)):
        for number, column in enumerate(coded):
            pairs = list((column.allowed or {}).items())
            for side, text in enumerate(pairs[place] if place < len(pairs) else ()):
                page.write_string(place + 1, 2 * number + side, cell(text), book.text)


def _write_ticket(book: Book, sheet: FeedbackSheet, headers: Mapping[str, str], numbers: Sequence[int]) -> None:
    columns = [(column.name, headers[column.name]) for column in sheet.columns]
    page = book.add_sheet(TICKET_SHEET)
    page.very_hidden()
    ticket = Ticket(sheet.delivery_id, sheet.source_code, sheet.form, columns, numbers)
    for place, line in enumerate(ticket.lines()):
        write_line(page, place, line, book.text, book.number)
