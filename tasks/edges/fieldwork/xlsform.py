"""XLSForm: the form a phone asks a visit by, written from the form of deliveries and a YAML of questions."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping

import xlsxwriter
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from methods.errors import SettingWrong
from tasks.edges import forms
from tasks.edges.fieldwork.workbook import DAY_ONE
from tasks.edges.forms import Column, Form
from tasks.edges.settings import ROOT

YES_NO = "yes_no"
# How a phone asks for a column of each kind.
TYPES = {
    "flag": f"select_one {YES_NO}", "count": "integer", "money": "integer", "decimal": "decimal", "date": "date",
}  # fmt: skip
# What pyxform calls these, and whether a cell of it is written in the form's language.
HEADERS = {
    "type": False, "name": False, "label": True, "hint": True, "required": False, "required_message": True,
    "relevant": False, "constraint": False, "constraint_message": True, "appearance": False, "parameters": False,
    "calculation": False, "readonly": False, "default": False,
}  # fmt: skip
SILENT = ("start", "end", "today", "deviceid", "calculate")

Sheets = dict[str, list[dict[str, str]]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Strict):
    """One question of the phone; what it leaves out comes from the column of its name."""

    name: str
    type: str = ""
    label: str = ""
    hint: str = ""
    required: bool | str | None = None
    relevant: str = ""
    constraint: str = ""
    constraint_message: str = ""
    appearance: str = ""
    parameters: str = ""
    calculation: str = ""
    default: str = ""


class Interview(_Strict):
    """What a phone asks for a form."""

    form: str
    form_id: str
    title: str
    language: str
    attachment: str
    messages: dict[str, str]
    not_asked: dict[str, str] = {}
    questions: tuple[Question, ...]


def load(name: str) -> Interview:
    """Read the questions for a form.

    Raises:
        SettingWrong: they are not readable, leave a required column of the form unasked, or name an unknown question.
    """
    path = ROOT / "reference" / "xlsform" / f"{name}.yaml"
    try:
        interview = Interview.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise SettingWrong(place=path.name, found=str(error).replace("\n", " "), wanted="YAML in UTF-8") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingWrong(
            place=f"{path.name}, {'.'.join(map(str, first['loc']))}",
            found=repr(first.get("input"))[:80],
            wanted=first["msg"],
        ) from error
    check(interview, forms.load_all()[interview.form], f"xlsform/{path.name}")
    return interview


def check(interview: Interview, form: Form, place: str) -> None:
    """Refuse questions that do not fill the form, or that refer to none.

    Raises:
        SettingWrong: see above.
    """
    names = [question.name for question in interview.questions]
    missing = [name for name, column in form.columns.items() if column.required and name not in names]
    if missing:
        raise SettingWrong(place, f"no question for {', '.join(missing)}", f"one for each column {form.form} requires")
    for question in interview.questions:
        referred = set(re.findall(r"\$\{([^}]*)\}", " ".join(map(str, question.model_dump().values()))))
        if unknown := sorted(referred - set(names)):
            raise SettingWrong(f"{place}, {question.name}", f"${{{unknown[0]}}}", "a question that is asked")
        visible = not question.calculation and question.type not in SILENT
        if visible and not question.label and question.name not in form.columns:
            raise SettingWrong(f"{place}, {question.name}", "no label", "a label, or the name of a column of the form")


def sheets(
    interview: Interview,
    form: Form,
    content_hash: str,
    is_rehearsal: bool,
    number: Callable[[int], str],
    form_id: str,
) -> Sheets:
    """Put together the rows of the three sheets.

    Args:
        interview: what a phone asks.
        form: where labels, choices and bounds come from.
        content_hash: of the attached list; another list is another version.
        is_rehearsal: the form says that its data are made up.
        number: writes a number for a reader.
        form_id: what the servers call it; empty for the one of the interview.
    """
    survey = [_row(interview, form, question, number) for question in interview.questions]
    if is_rehearsal:
        notice = {"type": "note", "name": "rehearsal", "label": interview.messages["rehearsal"]}
        survey.insert(0, notice)
    choices = [
        {"list_name": YES_NO, "name": code, "label": interview.messages[word]}
        for code, word in (("1", "yes"), ("0", "no"))
    ]
    for name, column in form.columns.items():
        if any(question.name == name for question in interview.questions):
            choices += [{"list_name": name, "name": code, "label": text} for code, text in column.choices.items()]
    settings = {
        "form_title": interview.title, "form_id": form_id or interview.form_id, "default_language": interview.language,
        "instance_name": "${visit_id}",
    }  # fmt: skip
    said = json.dumps([survey, choices, settings, content_hash], ensure_ascii=False, sort_keys=True)
    version = hashlib.sha256(said.encode()).hexdigest()[:12]
    return {"survey": survey, "choices": choices, "settings": [settings | {"version": version}]}


def write(rows: Sheets, language: str) -> bytes:
    """Write the sheets as a workbook; the same sheets give the same bytes."""
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_numbers": False, "strings_to_formulas": False})
    book.set_properties({"created": DAY_ONE})
    columns = {
        "survey": [name for name in HEADERS if any(row.get(name) for row in rows["survey"])],
        "choices": ["list_name", "name", "label"],
        "settings": list(rows["settings"][0]),
    }
    for sheet_name, names in columns.items():
        sheet = book.add_worksheet(sheet_name)
        is_translated = [HEADERS.get(name, False) and sheet_name != "settings" for name in names]
        header = [f"{name}::{language}" if is_one else name for name, is_one in zip(names, is_translated, strict=True)]
        for place, row in enumerate([dict(zip(names, header, strict=True)), *rows[sheet_name]]):
            for column, name in enumerate(names):
                if row.get(name):
                    sheet.write_string(place, column, row[name])
        sheet.freeze_panes(1, 0)
    book.close()
    return stream.getvalue()


def version_of(rows: Sheets) -> str:
    """Version the form carries."""
    return rows["settings"][0]["version"]


def _row(interview: Interview, form: Form, question: Question, number: Callable[[int], str]) -> dict[str, str]:
    column = form.columns.get(question.name)
    row = {name: str(value) for name, value in question.model_dump(exclude={"required"}).items()}
    if question.calculation:
        return row | {"type": "calculate"}
    if column is None:
        return row | _required(question.required or False, interview.messages)
    row["type"] = question.type or _type(question.name, column)
    row["label"] = question.label or column.label_fa
    if column.kind in ("count", "money", "decimal") and not question.constraint:
        bounds = {"minimum": column.minimum, "maximum": column.maximum}
        row["constraint"] = ". >= {minimum} and . <= {maximum}".format(**bounds)
        shown = {name: number(value) for name, value in bounds.items()}
        row["constraint_message"] = interview.messages["bounds"].format(**shown)
    return row | _required(column.required if question.required is None else question.required, interview.messages)


def _type(name: str, column: Column) -> str:
    return f"select_one {name}" if column.choices else TYPES.get(column.kind, "text")


def _required(required: bool | str, messages: Mapping[str, str]) -> dict[str, str]:
    if not required:
        return {}
    return {"required": "yes" if required is True else str(required), "required_message": messages["required"]}
