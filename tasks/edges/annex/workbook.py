"""Annex of one bulletin as a workbook anyone can read: cover, contents, notes, then one table a sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FiguresUnfit
from tasks.edges.annex import edition as wording
from tasks.edges.annex import marks, spreadsheet
from tasks.edges.annex.codes import ALL, NATION, Codes
from tasks.edges.annex.marks import Published
from tasks.edges.annex.spreadsheet import LINK, NUMBERS, TEXT, Column, Sheet

AGENCY = "agency"
LEVELS_FA = {"nation": "کشور", "province": "استان", "county": "شهرستان", AGENCY: "دستگاه"}
CHILDREN = {"nation": ("province", "استان‌ها"), "province": ("county", "شهرستان‌ها"), AGENCY: ("province", "استان‌ها")}
RATE_KINDS, COUNT_KINDS = ("proportion", "ratio"), ("count",)
# How a number of each unit is shown; the number itself stays as stored.
WHOLE = "#,##0"
NUMBER_FORMATS = {"share": "0.00%", "ratio": "0.000", "days": "#,##0.0"}
# Column, header, width.
WHERE = (("unit_code", "کد جا", 9), ("unit_name", "جا", 20))
OF_WHOM = (("dimension", "بُعد", 16), ("domain_value", "کد گروه", 16), ("domain_name", "گروه", 28))
FIGURE = (
    ("indicator_name", "شاخص", 34), ("basis", "مبنا", 10), ("estimate", "مقدار", 18), ("unit", "یکا", 9),
    ("mark", "نشان", 10), ("numerator", "صورت", 18), ("denominator", "مخرج", 18), ("lower", "کران پایین", 18),
    ("upper", "کران بالا", 18), ("standard_error", "خطای معیار", 16), ("n", "شمار مشاهده", 13),
    ("weight", "وزن", 10), ("quality", "کیفیت", 22), ("exclusions", "کنارگذاشته‌ها", 34), ("indicator", "کد شاخص", 30),
)  # fmt: skip
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
IN_THE_UNIT = ("estimate", "lower", "upper", "standard_error")
COLUMN_NOTES = (
    ("شمارش و برآورد", "«شمارش» از طرح‌های بازدیدشده است؛ «برآورد» همان را با وزن نمونه به همهٔ طرح‌های مشمول می‌رساند."),
    ("صورت و مخرج", "هر نرخ حاصل صورت بر مخرج خود است. صورت یا مخرجی که خود رقمی نگه‌داشته است خالی می‌ماند."),
    ("کران پایین و بالا", "بازهٔ اطمینان برآورد؛ تنها خطای نمونه‌گیری را می‌سنجد. شمارش بازه ندارد و خانهٔ آن خالی است."),
    ("شمار مشاهده", "طرح‌هایی که رقم بر آن‌ها استوار است."),
    ("وزن", "آنچه هر طرح در رقم می‌سنجد: خود طرح، تسهیلات آن یا شغل‌های آن."),
    ("کنارگذاشته‌ها", "آنچه در مخرج نیامده است، با دلیل و شمار آن."),
    ("خانهٔ خالی", "رقمی که نیست صفر نیست؛ دلیل آن در ستون «نشان» آمده است."),
    ("گرد کردن", "عددها بی گرد کردن ذخیره شده‌اند و تنها نمایش آن‌ها گرد است."),
)


Rows = npt.NDArray[np.intp]


class Annexes:
    """The workbooks of an edition, its figures taken apart once."""

    def __init__(self, published: Published) -> None:
        """Take the figures of an edition, or of one unit with its parts, see `marks.publish`."""
        rows, self._codes, self._edition = published.rows, published.codes, published.edition
        self._of_unit, self._of_domain = _grouped(rows["unit_code"]), _grouped(rows["domain"])
        self._is_whole = rows["domain"].eq(ALL).to_numpy()
        self._texts, self._numbers = _texts(rows, self._codes), _numbers(rows)

    def build(self, level: str, unit_code: str) -> bytes:
        """Build the workbook of the nation, a province, a county or an agency; the same figures give the same bytes.

        A unit without figures gets a workbook that says so.

        Args:
            level: nation, province, county, or agency.
            unit_code: its code; of an agency the code that its domain names.

        Raises:
            FiguresUnfit: there is no such unit.
        """
        name = self._name(level, unit_code)
        tables = [sheet for sheet in self._tables(level, unit_code) if sheet.row_count]
        cover, notes = self._cover(level, name, bool(tables)), [self._note_sheet, self._definition_sheet]
        sheets = [cover, _contents([cover, *notes, *tables]), *notes, *tables]
        title = f"{self._edition.title_fa}: {name}، {self._edition.period_fa}"
        notice = wording.REHEARSAL_NOTICE if self._edition.is_rehearsal else ""
        return spreadsheet.write(sheets, title, self._edition.contact, notice)

    def _name(self, level: str, unit_code: str) -> str:
        if level == AGENCY:
            domains = self._codes.domains
            found = domains["name_fa"].get(f"{AGENCY}={unit_code}", self._edition.names.get(AGENCY, {}).get(unit_code))
        else:
            units = self._codes.units[self._codes.units["level"] == level]
            found = units["name_fa"].get(unit_code)
        if found is None:
            raise FiguresUnfit(place="annex", found=f"{level} {unit_code}", wanted="a unit of the edition's code lists")
        return str(found) if level in ("nation", AGENCY) else f"{LEVELS_FA[level]} {found}"

    def _tables(self, level: str, unit_code: str) -> list[Sheet]:
        domain = f"{AGENCY}={unit_code}" if level == AGENCY else ALL
        unit = NATION if level == AGENCY else unit_code
        of_domain = self._of_domain.get(domain, np.array([], dtype=np.intp))
        of_unit = self._of_unit.get(unit, np.array([], dtype=np.intp))
        own = np.intersect1d(of_unit, of_domain, assume_unique=True)
        kind, measure = self._texts["kind"].take(own), self._texts["unit_code_of_measure"].take(own)
        is_rate = np.isin(kind, RATE_KINDS) & np.isin(measure, ("share", "ratio"))
        is_count = np.isin(kind, COUNT_KINDS)
        sheets = [
            self._sheet("نرخ‌ها", "rates", "نرخ‌ها با صورت، مخرج و بازه", (), own[is_rate]),
            self._sheet("شمارش طرح‌ها", "counts", "شمار طرح‌ها از چارچوب تا حکم", (), own[is_count]),
            self._sheet("پول و شغل", "money_jobs", "تسهیلات، شغل‌ها و زمان", (), own[~is_rate & ~is_count]),
        ]
        if level in ("nation", "province"):
            parts = of_unit[~self._is_whole[of_unit]]
            sheets.append(self._sheet("گروه‌ها", "by_domain", "همهٔ شاخص‌ها به تفکیک گروه‌ها", OF_WHOM, parts))
        if level in CHILDREN:
            below, name = CHILDREN[level]
            rows = np.intersect1d(self._below(below, unit), of_domain, assume_unique=True)
            sheets.append(self._sheet(name, f"by_{below}", f"همهٔ شاخص‌ها به تفکیک {LEVELS_FA[below]}", WHERE, rows))
        return sheets

    def _below(self, level: str, unit_code: str) -> Rows:
        units = self._codes.units
        below = units.index[(units["level"] == level) & (units["parent_code"] == unit_code)]
        found = [self._of_unit[code] for code in below if code in self._of_unit]
        return np.concatenate(found) if found else np.array([], dtype=np.intp)

    def _sheet(self, name: str, code: str, title: str, before: Sequence[tuple[str, str, int]], rows: Rows) -> Sheet:
        shown = self._texts["number_format"].take(rows)
        whole = np.full(len(rows), WHOLE, dtype=object)
        columns = []
        for key, header, width in (*before, *FIGURE):
            if key in self._numbers:
                formats = shown if key in IN_THE_UNIT else whole
                columns.append(Column(header, width, NUMBERS, self._numbers[key][rows], formats))
            else:
                columns.append(Column(header, width, TEXT, self._texts[key].take(rows)))
        return Sheet(name, code, title, columns)

    def _cover(self, level: str, name: str, has_figures: bool) -> Sheet:
        edition = self._edition
        told = [
            ("عنوان", edition.title_fa),
            (LEVELS_FA[level], name),
            ("دوره", edition.period_fa),
            ("ویرایش", wording.KINDS_FA[edition.kind]),
            ("تاریخ انتشار", f"{edition.released_fa} ({edition.released_on.isoformat()})"),
            ("داده‌های رسیده تا", f"{edition.cutoff_fa} ({edition.cutoff.isoformat()})"),
            ("آنچه می‌سنجد", wording.LIMIT_FA),
            ("تماس", edition.contact),
            ("نشانی", edition.address),
            ("نسخهٔ شیوه‌نامه", edition.guideline),
            ("پروانه", f"{wording.LICENCE_TITLE} ({wording.LICENCE_ADDRESS})"),
            ("شیوهٔ ارجاع", edition.citation_fa),
        ]
        if edition.is_rehearsal:
            told.insert(0, ("هشدار", wording.REHEARSAL_NOTICE))
        if not has_figures:
            told.insert(0, ("رقم‌ها", "در این ویرایش رقمی از این جا در دست نیست."))
        return _listing("جلد", "cover", "عنوان، دوره و ویرایش", ("مشخصه", "شرح"), told, (24, 90))

    @cached_property
    def _note_sheet(self) -> Sheet:
        lines = [(f"[{sign}]", f"{name}: {text}") for sign, name, _, text in marks.MARKS]
        lines += list(COLUMN_NOTES)
        if self._edition.not_covered:
            lines.append(("پوشش", f"در این رقم‌ها نیامده‌اند: {'، '.join(self._edition.not_covered)}."))
        return _listing("یادداشت‌ها", "notes", "نشان‌ها و معنای ستون‌ها", ("نشان یا ستون", "معنا"), lines, (24, 110))

    @cached_property
    def _definition_sheet(self) -> Sheet:
        rows = self._codes.indicators
        units = self._codes.names("unit")
        told = [
            (code, name, units.get(unit, unit), text)
            for code, name, unit, text in zip(
                rows.index, rows["name_fa"], rows["unit"], rows["definition_fa"], strict=True
            )
        ]
        header = ("کد شاخص", "شاخص", "یکا", "تعریف")
        return _listing("تعریف‌ها", "definitions", "تعریف شاخص‌ها", header, told, (30, 34, 9, 110))


class _Lookup:
    """A text a row, kept as a number and a list of the distinct texts."""

    def __init__(self, places: npt.ArrayLike, labels: Sequence[str]) -> None:
        self._places = np.asarray(places, dtype=np.int32)
        self._labels = np.array([*labels, ""], dtype=object)

    def take(self, rows: Rows) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = self._labels[self._places[rows]]
        return found


def _grouped(values: pd.Series) -> Mapping[str, Rows]:
    return {str(value): np.asarray(rows, dtype=np.intp) for value, rows in values.groupby(values).indices.items()}


def _texts(rows: pd.DataFrame, codes: Codes) -> dict[str, _Lookup]:
    places = codes.places(rows)
    indicator, unit, domain = places.indicator, places.unit_code, places.domain
    measures, labels = codes.indicators["unit"].tolist(), codes.names("unit")
    return {
        "indicator": _Lookup(indicator, codes.indicators.index.tolist()),
        "indicator_name": _Lookup(indicator, codes.indicators["name_fa"].tolist()),
        "kind": _Lookup(indicator, codes.indicators["kind"].tolist()),
        "unit_code_of_measure": _Lookup(indicator, measures),
        "number_format": _Lookup(indicator, [NUMBER_FORMATS.get(measure, WHOLE) for measure in measures]),
        "unit": _Lookup(indicator, [labels.get(measure, measure) for measure in measures]),
        "unit_code": _Lookup(unit, codes.units.index.tolist()),
        "unit_name": _Lookup(unit, codes.units["name_fa"].tolist()),
        "dimension": _Lookup(domain, codes.domains["dimension_name_fa"].tolist()),
        "domain_value": _Lookup(domain, codes.domains["value"].tolist()),
        "domain_name": _Lookup(domain, codes.domains["name_fa"].tolist()),
        "exclusions": _exclusions(rows["exclusions"], codes),
        "mark": _Lookup(*_signs(rows["mark"])),
        **{name: _termed(rows[name], codes.names(name)) for name in ("basis", "weight", "quality")},
    }


def _termed(values: pd.Series, names: dict[str, str]) -> _Lookup:
    places, labels = pd.factorize(values)
    return _Lookup(places, [names.get(label, label) for label in labels])


def _signs(values: pd.Series) -> tuple[npt.NDArray[np.intp], list[str]]:
    places, labels = pd.factorize(values)
    return places, marks.signs(labels.tolist())


def _exclusions(written: pd.Series, codes: Codes) -> _Lookup:
    names = codes.names("exclusion")
    places, labels = pd.factorize(written)
    return _Lookup(places, [_spell(marks.read_exclusions(label), names) for label in labels])


def _spell(counts: dict[str, Any], names: dict[str, str]) -> str:
    # What is left out is counted, so it is never too weak: a count that is not there is confidential.
    told = (f"{names.get(reason, reason)}: {'[c]' if count is None else count}" for reason, count in counts.items())
    return "؛ ".join(told).translate(PERSIAN_DIGITS)


def _numbers(rows: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    return {name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in (*marks.VALUES, "n")}


def _listing(
    name: str, code: str, title: str, header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> Sheet:
    cells = [np.array(column, dtype=object) for column in zip(*rows, strict=True)]
    columns = [Column(text, width, TEXT, column) for text, width, column in zip(header, widths, cells, strict=True)]
    return Sheet(name, code, title, columns)


def _contents(sheets: Sequence[Sheet]) -> Sheet:
    names, titles = (np.array([getattr(sheet, key) for sheet in sheets], dtype=object) for key in ("name", "title"))
    counts = np.array([sheet.row_count for sheet in sheets], dtype=np.float64)
    whole = np.full(len(sheets), WHOLE, dtype=object)
    columns = [
        Column("برگه", 24, LINK, names),
        Column("آنچه در آن است", 60, TEXT, titles),
        Column("شمار سطر", 12, NUMBERS, counts, whole),
    ]
    return Sheet("فهرست", "contents", "فهرست برگه‌ها", columns)
