"""Work list of one inspector as a workbook: what he is told of each plan, and cells where he notes what he found."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Sequence
from typing import Any

import xlsxwriter

from tasks.edges.forms import Column, Form

# A workbook says when it was made; it is the same file whenever it is.
DAY_ONE = datetime.datetime(2000, 1, 1)
HEADER_ROW = 3
FONT = {"font_name": "Tahoma", "font_size": 10, "valign": "vcenter"}
# What he is told: key of a plan, header, width, how the cell is written.
TOLD = (
    ("route_order", "ردیف", 6, "number"), ("visit_id", "شناسهٔ بازدید", 20, "text"),
    ("plan_id", "شناسهٔ طرح", 16, "text"), ("applicant_name", "نام متقاضی", 22, "text"),
    ("province_name", "استان", 12, "text"), ("county_name", "شهرستان", 14, "text"), ("address", "نشانی", 24, "text"),
    ("latitude", "عرض جغرافیایی", 11, "place"), ("longitude", "طول جغرافیایی", 11, "place"),
    ("leg_km", "فاصله از طرح پیشین (کیلومتر)", 12, "distance"), ("plan_kind", "نوع طرح", 12, "text"),
    ("registered_job_count", "شغل ثبت‌شده", 9, "number"),
    ("loan_paid_rial", "تسهیلات پرداختی (ریال)", 18, "number"), ("firm_code", "کد شرکت", 9, "text"),
    ("inspector_code", "کد بازرس", 11, "text"),
)  # fmt: skip
# What he notes: columns of the form.
NOTED = (
    "visited_on", "contact_outcome", "is_final", "has_rule_breach", "loan_use", "is_running", "jobs_found_count",
)  # fmt: skip
REMARKS = "یادداشت"
FORMATS = {"number": "#,##0", "place": "0.00000", "distance": "0.0", "text": "@", "noted": "@"}
YES_NO = ["بله", "خیر"]

Plan = dict[str, Any]


def write(title: str, notice: str, plans: Sequence[Plan], form: Form, number: Callable[[int], str]) -> bytes:
    """Write the list; the same plans give the same bytes.

    Args:
        title: whose list of which round it is.
        notice: that the data are made up, or empty.
        plans: his plans in order, a value for each key told.
        form: where labels, choices and bounds of what he notes come from.
        number: writes a number for a reader.
    """
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": title, "created": DAY_ONE})
    sheet = book.add_worksheet("فهرست کار")
    formats = {name: book.add_format(FONT | {"num_format": code}) for name, code in FORMATS.items()}
    bold = book.add_format(FONT | {"bold": True, "font_size": 12})
    sheet.right_to_left()
    sheet.write_string(0, 0, title, bold)
    sheet.write_string(1, 0, notice, book.add_format(FONT | {"bold": True, "font_color": "#8A3B00"}))
    _tell(sheet, plans, formats)
    headers = [header for _, header, _, _ in TOLD] + [form.columns[name].label_fa for name in NOTED] + [REMARKS]
    last = HEADER_ROW + len(plans)
    sheet.add_table(
        HEADER_ROW, 0, last, len(headers) - 1,
        {"name": "work_list", "style": "Table Style Light 9", "columns": [{"header": header} for header in headers]},
    )  # fmt: skip
    _offer(sheet, form, last, formats["noted"], number)
    sheet.freeze_panes(HEADER_ROW + 1, 4)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADER_ROW)
    book.close()
    return stream.getvalue()


def _tell(sheet: Any, plans: Sequence[Plan], formats: dict[str, Any]) -> None:
    for column, (key, _, width, kind) in enumerate(TOLD):
        sheet.set_column(column, column, width)
        for row, plan in enumerate(plans, start=HEADER_ROW + 1):
            value = plan[key]
            if value is None:
                sheet.write_blank(row, column, None, formats[kind])
            elif kind == "text":
                sheet.write_string(row, column, str(value), formats[kind])
            else:
                sheet.write_number(row, column, value, formats[kind])


def _offer(sheet: Any, form: Form, last: int, text: Any, number: Callable[[int], str]) -> None:
    """Let the cells he fills take only what the form takes."""
    for column, name in enumerate(NOTED, start=len(TOLD)):
        sheet.set_column(column, column, 15, text)
        if rule := _rule(form.columns[name], number):
            rule["error_title"] = form.columns[name].label_fa
            sheet.data_validation(HEADER_ROW + 1, column, last, column, rule)
    sheet.set_column(len(TOLD) + len(NOTED), len(TOLD) + len(NOTED), 30, text)


def _rule(column: Column, number: Callable[[int], str]) -> dict[str, Any]:
    if column.kind == "flag" or column.choices:
        offered = list(column.choices.values()) or YES_NO
        return {"validate": "list", "source": offered, "error_message": "یکی از گزینه‌های فهرست را برگزینید."}
    if column.kind != "count":
        return {}
    said = f"عددی از {number(column.minimum)} تا {number(column.maximum)} بنویسید."
    bounds = {"minimum": column.minimum, "maximum": column.maximum}
    return {"validate": "integer", "criteria": "between", "error_message": said} | bounds
