"""Marks of figures, and the one place where what may not be published is taken out of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FiguresUnfit
from tasks.edges.annex import codes as code_lists
from tasks.edges.annex.codes import Codes
from tasks.edges.annex.edition import PROVISIONAL, Edition

KEY = ("year", "phase", "cutoff", "indicator", "basis", "level", "unit_code", "domain")
VALUES = ("numerator", "denominator", "estimate", "standard_error", "lower", "upper")
ABOUT = ("weight", "exclusions", "n", "quality", "method", "guideline")
COLUMNS = (
    *KEY, "weight", "numerator", "denominator", "exclusions", "n", "estimate", "standard_error", "lower", "upper",
    "quality", "mark", "method", "guideline",
)  # fmt: skip
CONFIDENTIAL = "confidential"
# Mark, Persian name, English name, what it says.
MARKS = (
    ("c", "محرمانه", "Confidential", "برای حفظ محرمانگی منتشر نمی‌شود: خود این رقم، یا رقمی که از آن به دست می‌آید."),
    ("u", "ضعیف", "Too weak", "برآورد برای انتشار ضعیف است و منتشر نمی‌شود."),
    ("z", "بی‌معنا", "Not applicable", "این رقم در اینجا معنا ندارد: چیزی نیست که بر آن بخش شود."),
    ("x", "ناموجود", "Missing", "این رقم در دست نیست."),
    ("p", "موقت", "Provisional", "رقم موقت است و در ویرایش‌های بعدی تغییر می‌کند."),
    ("r", "بازنگری‌شده", "Revised", "این رقم با ویرایش پیش از این یکی نیست."),
)  # fmt: skip
COMBINATIONS = ("c", "u", "z", "x", "p", "r", "p r")

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Published:
    """The figures of an edition as anyone may have them: what every annex of it is written from.

    Attributes:
        rows: see `blank`.
        codes: its code lists.
        edition: whose figures they are.
    """

    rows: pd.DataFrame
    codes: Codes
    edition: Edition


def publish(figures: pd.DataFrame, edition: Edition) -> Published:
    """Mark the figures of an edition, or those of one unit with its parts, and take out what may not be published.

    Raises:
        FiguresUnfit: see `blank` and `codes.read`.
    """
    codes = code_lists.read(edition, figures["domain"].unique(), figures["unit_code"].unique())
    return Published(blank(figures, codes, edition), codes, edition)


def blank(figures: pd.DataFrame, codes: Codes, edition: Edition) -> pd.DataFrame:
    """Mark the figures of an edition and take out whatever may not be published.

    Gone from a withheld or confidential figure are its value, numerator, denominator, n, interval and exclusions.
    Gone too is where its value stands in another figure of the same unit and domain, as a numerator, a
    denominator, an n or an exclusion; and a quotient that would give a confidential part of it away is
    confidential itself. Every format is written from what this returns.

    Args:
        figures: columns KEY, VALUES and ABOUT; exclusions a dict or JSON text, reason -> count, null where it is
            confidential; is_suppressed and is_revised where there are any.
        codes: code lists of the edition.
        edition: whose figures they are.

    Returns:
        COLUMNS in the order of print, whatever the order they came in: exclusions as JSON text or null, n null where
        it is taken out, mark one of COMBINATIONS or empty, quality `confidential` for the mark c.

    Raises:
        FiguresUnfit: a column is missing, a figure stands twice, is of another edition, unknown, or not finite.
    """
    rows = _in_order(_checked(figures, edition), codes)
    confidential = rows.pop("is_suppressed").to_numpy()
    weak = rows["quality"].eq("withheld").to_numpy() & ~confidential
    parts = _Parts(rows, codes)
    confidential = confidential | (parts.of(confidential, "numerator") | parts.of(confidential, "denominator"))
    weak &= ~confidential
    # The parts of a confidential quotient are no figures of their own, so they spread no further.
    gone = parts.stated(confidential | weak)
    hidden = confidential | weak
    for column in VALUES:
        rows[column] = rows[column].mask(hidden | gone.get(column, False))
    rows["n"] = rows["n"].astype("Int64").mask(hidden | gone["n"])
    rows["exclusions"] = _exclusions(rows["exclusions"], hidden, parts.excluded(confidential | weak))
    rows["quality"] = rows["quality"].mask(confidential, CONFIDENTIAL)
    rows["mark"] = _marks(rows, confidential, weak, edition.kind == PROVISIONAL)
    return rows[list(COLUMNS)]


def signs(marks: Sequence[str]) -> list[str]:
    """Write marks as a page shows them: `p r` is `[p] [r]`."""
    shown = {one: " ".join(f"[{sign}]" for sign in one.split()) for one in ("", *COMBINATIONS)}
    return [shown[one] for one in marks]


def read_exclusions(written: Any) -> dict[str, Any]:
    """Read exclusions, reason -> count, in the order of the reasons.

    Raises:
        FiguresUnfit: they are no such thing.
    """
    found = json.loads(written) if isinstance(written, str) else written
    _refuse(not isinstance(found, dict), f"exclusions {str(written)[:40]}", "reason -> count")
    return {str(name): found[name] for name in sorted(found)}


class _Parts:
    """Which figures state the same number as another: one variable, added up over one unit and domain on one basis."""

    def __init__(self, rows: pd.DataFrame, codes: Codes) -> None:
        self._definition = codes.indicators[["numerator", "denominator", "observed"]].loc[rows["indicator"]]
        self._variables = pd.Index(
            pd.unique(pd.concat([codes.indicators[name] for name in ("numerator", "denominator", "observed")]).dropna())
        ).union(sorted({reason for reasons in codes.indicators["exclusions"] for reason in reasons}))
        self._cell = rows.groupby(["level", "unit_code", "domain"], sort=False, observed=True).ngroup().to_numpy()
        self._basis, bases = pd.factorize(rows["basis"])
        self._counted = int(np.flatnonzero(bases == "counted")[0]) if "counted" in bases else len(bases)
        self._shape = (len(bases) + 1, int(self._cell.max(initial=-1)) + 1, len(self._variables) + 1)
        # A total states its numerator; a quotient states a variable nowhere but in its parts.
        self._is_total = self._definition["denominator"].isna().to_numpy()

    def of(self, hidden: BoolArray, part: str) -> BoolArray:
        """Say which quotients have a part that a hidden figure states."""
        found: BoolArray = self._table(hidden)[self._basis, self._cell, self._code(part)] & ~self._is_total
        return found

    def stated(self, hidden: BoolArray) -> dict[str, BoolArray]:
        """Say where numerator, denominator and n are numbers of hidden figures."""
        table = self._table(hidden)
        stated = {part: table[self._basis, self._cell, self._code(part)] for part in ("numerator", "denominator")}
        return stated | {"n": table[self._counted, self._cell, self._code("observed")]}

    def excluded(self, hidden: BoolArray) -> dict[str, BoolArray]:
        """Say where the count of each reason is a number of a hidden figure."""
        table = self._table(hidden)[self._counted]
        return {str(reason): table[self._cell, place] for place, reason in enumerate(self._variables)}

    def _table(self, hidden: BoolArray) -> BoolArray:
        table = np.zeros(self._shape, dtype=bool)
        here = hidden & self._is_total
        table[self._basis[here], self._cell[here], self._code("numerator")[here]] = True
        return table

    def _code(self, part: str) -> npt.NDArray[np.intp]:
        # Where there is no such part the last place is looked up, which stays empty.
        found: npt.NDArray[np.intp] = self._variables.get_indexer(self._definition[part])
        return found


def _checked(figures: pd.DataFrame, edition: Edition) -> pd.DataFrame:
    missing = [name for name in (*KEY, *VALUES, *ABOUT) if name not in figures]
    _refuse(missing, f"no column {', '.join(missing)}", f"the columns {', '.join((*KEY, *VALUES, *ABOUT))}")
    flags = {name: _flag(figures, name) for name in ("is_suppressed", "is_revised")}
    rows = figures[[*KEY, *VALUES, *ABOUT]].assign(**flags)
    numbers = {name: pd.to_numeric(rows[name]).astype("float64") for name in VALUES}
    rows = rows.assign(**numbers, cutoff=pd.to_datetime(rows["cutoff"]).dt.date)
    wanted = (edition.period.year, edition.period.phase, edition.cutoff)
    others = set(rows[["year", "phase", "cutoff"]].drop_duplicates().itertuples(index=False, name=None)) - {wanted}
    _refuse(others, f"figures of {len(others)} other edition(s)", f"figures of {edition.code} alone")
    endless = np.isinf(rows[list(VALUES)].to_numpy()).any(axis=1)
    _refuse(endless.any(), f"{endless.sum()} figures that are not finite", "numbers, or none")
    repeated = rows.duplicated(list(KEY))
    _refuse(repeated.any(), f"{repeated.sum()} figures that stand twice", f"one row a {', '.join(KEY)}")
    return rows


def _flag(figures: pd.DataFrame, name: str) -> pd.Series:
    if name not in figures:
        return pd.Series(False, index=figures.index)
    _refuse(figures[name].isna().any(), f"{name} without a value", "true or false")
    return figures[name].astype(bool)


def _in_order(rows: pd.DataFrame, codes: Codes) -> pd.DataFrame:
    places = codes.places(rows)
    for column, place in vars(places).items():
        unknown = sorted(set(rows.loc[place < 0, column]))
        _refuse(unknown, f"unknown {column} {', '.join(unknown[:5])}", "codes of the edition's code lists")
    basis = pd.factorize(rows["basis"], sort=True)[0]
    order = np.lexsort((basis, places.indicator, places.domain, places.unit_code))
    return rows.iloc[order].reset_index(drop=True)


def _marks(rows: pd.DataFrame, confidential: BoolArray, weak: BoolArray, is_provisional: bool) -> npt.NDArray[Any]:
    missing = rows["estimate"].isna().to_numpy()
    nothing = missing & rows["quality"].eq("undefined").to_numpy() & rows["denominator"].eq(0).to_numpy()
    revised = rows["is_revised"].to_numpy()
    status = np.where(revised, "p r", "p") if is_provisional else np.where(revised, "r", "")
    reasons = [confidential, weak, nothing, missing]
    found: npt.NDArray[Any] = np.select(reasons, ["c", "u", "z", "x"], status).astype(object)
    return found


def _exclusions(written: pd.Series, hidden: BoolArray, gone: Mapping[str, BoolArray]) -> npt.NDArray[Any]:
    """Write exclusions as JSON text, without the counts that are gone; the whole is gone where a figure is hidden."""
    # Most figures leave out the same: each distinct text is read once.
    texts = written.astype(str)
    place = pd.factorize(texts)[0]
    counts = [read_exclusions(value) for value in written[~texts.duplicated()]]
    found = np.array([_compact(one) for one in counts], dtype=object)[place]
    touched = np.zeros(len(found), dtype=bool)
    for reason in sorted({reason for one in counts for reason in one} & set(gone)):
        touched |= gone[reason]
    for row in np.flatnonzero(touched & ~hidden):
        kept = {name: None if name in gone and gone[name][row] else count for name, count in counts[place[row]].items()}
        found[row] = _compact(kept)
    found[hidden] = None
    return found


def _compact(counts: Mapping[str, Any]) -> str:
    # A colon and a space would part a code from its label in SDMX-CSV.
    return json.dumps(counts, ensure_ascii=False, separators=(",", ":"))


def _refuse(is_wrong: Any, found: str, wanted: str) -> None:
    if is_wrong if isinstance(is_wrong, (bool, np.bool_)) else len(is_wrong):
        raise FiguresUnfit(place="annex, figures", found=found, wanted=wanted)
