"""The clerk's list: pairs of plans in doubt, plan beside plan, with a decision to choose."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from tasks.edges import forms

PAIRS_SHEET, GUIDE_SHEET = "جفت‌ها", "راهنما"
CREATED_AT = datetime.datetime(2000, 1, 1)
REHEARSAL_NOTICE = "داده‌های این فایل ساختگی است و تنها برای تمرین سامانه ساخته شده است."
KEY_HEADERS = {"plan_id_left": "شناسهٔ طرح نخست", "plan_id_right": "شناسهٔ طرح دوم"}
ANSWER_HEADERS = {"decision": "تصمیم", "remark": "توضیح"}
PROBABILITY_HEADER = "احتمال یکی بودن"
# What a clerk compares: each stands twice, side by side.
SIDE_HEADERS = {
    "agency_code": "دستگاه",
    "applicant_name": "نام متقاضی",
    "national_id": "کد ملی",
    "province_name": "استان",
    "county_name": "شهرستان",
    "loan_approved_rial": "مبلغ مصوب (ریال)",
    "loan_paid_rial": "مبلغ پرداختی (ریال)",
    "approved_on": "تاریخ تصویب",
    "paid_on": "تاریخ پرداخت",
    "activity_code": "کد فعالیت",
    "plan_kind": "نوع طرح",
}
SIDES = {"left": "نخست", "right": "دوم"}
WIDTH = 18
GUIDE = (
    "۱. هر ردیف برگهٔ «جفت‌ها» دو طرح از دو دستگاه است که شاید یکی باشند و دست‌کم یکی از آن‌ها کد ملی ندارد.",
    "۲. ویژگی‌های دو طرح کنار هم آمده است؛ خانه‌های رنگی جایی است که دو دستگاه یکسان ننوشته‌اند.",
    "۳. در ستون «تصمیم» از فهرست برگزینید. ردیفی که تصمیم ندارد در تردید می‌ماند و دو طرح شمرده می‌شود.",
    "۴. سرستون‌ها، نام برگه‌ها و شناسه‌ها را تغییر ندهید.",
    "۵. فایل را با همین قالب و همین نام در پوشهٔ inbox/REVIEW/<دوره> بگذارید.",
)


def headers() -> dict[str, str]:
    """Name every column of the list, in its order: column -> header."""
    sides = {
        f"{name}_{side}": f"{header} {word}" for name, header in SIDE_HEADERS.items() for side, word in SIDES.items()
    }
    return KEY_HEADERS | ANSWER_HEADERS | {"match_probability": PROBABILITY_HEADER} | sides


def write_workbook(path: Path, pairs: pd.DataFrame, period_text: str, is_rehearsal: bool) -> None:
    """Write the pairs in doubt for a clerk, from right to left; a reader never sees half a list.

    Args:
        path: where it is to lie.
        pairs: the columns of `headers` but for the answers, in words a clerk reads; null is an empty cell.
        period_text: the period, in words.
        is_rehearsal: whether the data are made up.
    """
    half = path.with_suffix(f".{os.getpid()}.part")
    book = xlsxwriter.Workbook(str(half))
    book.set_properties({"created": CREATED_AT})
    style = {name: book.add_format(said) for name, said in STYLES.items()}
    _write_pairs(book, style, pairs, is_rehearsal)
    _write_guide(book, style, period_text, is_rehearsal)
    book.close()
    half.rename(path)


STYLES: dict[str, dict[str, Any]] = {
    "header": {"bold": True, "bg_color": "#E3E8EF", "border": 1, "text_wrap": True, "valign": "top"},
    "text": {"num_format": "@", "border": 1},
    "number": {"num_format": "#,##0", "border": 1},
    "share": {"num_format": "0.00", "border": 1},
    "answer": {"num_format": "@", "border": 2, "bg_color": "#FFF8E1"},
    "differs": {"bg_color": "#FFE0B2"},
    "line": {"text_wrap": True},
}


def _write_pairs(book: Any, style: dict[str, Any], pairs: pd.DataFrame, is_rehearsal: bool) -> None:
    sheet = book.add_worksheet(PAIRS_SHEET)
    sheet.right_to_left()
    if is_rehearsal:
        sheet.set_header(f"&C{REHEARSAL_NOTICE}")
    sheet.freeze_panes(1, len(KEY_HEADERS) + len(ANSWER_HEADERS))
    for place, (name, header) in enumerate(headers().items()):
        sheet.set_column(place, place, WIDTH)
        sheet.write_string(0, place, header, style["header"])
        for row, value in enumerate(pairs[name] if name in pairs else [None] * len(pairs), 1):
            _write_cell(sheet, row, place, value, style, is_answer=name in ANSWER_HEADERS)
    choices = list(forms.load_all()["linkage_review"].columns["decision"].choices.values())
    place = list(headers()).index("decision")
    sheet.data_validation(1, place, len(pairs), place, {"validate": "list", "source": choices})
    _mark_differences(sheet, style, len(pairs))


def _write_cell(sheet: Any, row: int, place: int, value: Any, style: dict[str, Any], is_answer: bool) -> None:
    if value is None or pd.isna(value):
        sheet.write_blank(row, place, None, style["answer" if is_answer else "text"])
    elif isinstance(value, str):
        sheet.write_string(row, place, value, style["text"])
    else:
        sheet.write_number(row, place, value, style["share" if isinstance(value, float) else "number"])


def _mark_differences(sheet: Any, style: dict[str, Any], row_count: int) -> None:
    names = list(headers())
    for name in SIDE_HEADERS:
        first = names.index(f"{name}_left")
        left, right = (xlsxwriter.utility.xl_col_to_name(first + side) for side in (0, 1))
        rule = {"type": "formula", "criteria": f"=${left}2<>${right}2", "format": style["differs"]}
        sheet.conditional_format(1, first, row_count, first + 1, rule)


def _write_guide(book: Any, style: dict[str, Any], period_text: str, is_rehearsal: bool) -> None:
    sheet = book.add_worksheet(GUIDE_SHEET)
    sheet.right_to_left()
    sheet.set_column(0, 0, 100)
    lines = [f"بازبینی طرح‌های همسان، {period_text}", *([REHEARSAL_NOTICE] if is_rehearsal else []), *GUIDE]
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line, style["line"])
