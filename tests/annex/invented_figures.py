"""Figures of an invented edition: every variable of every cell is a number of its own, so that a leak can be found."""

import datetime
import json

import numpy as np
import pandas as pd

from methods.period import Period
from tasks.edges import definitions
from tasks.edges.annex.edition import Edition

DAY = datetime.date(2026, 10, 23)
DOMAINS = (
    "agency=P01", "agency=P02", "bank=B01", "sex=female", "sex=male", "age_group=aged_under_25", "activity=A",
    "budget_note=15", "sex=unknown",
)  # fmt: skip
LONG_NAME = ("سازمان توسعه و پشتیبانی از کسب‌وکارهای خرد و خانگی " * 3)[:120]

FORMULA, SCRIPT = "=cmd|' /C calc'!A0", "<script>alert(1)</script>"


def edition(kind="provisional", **changes):
    told = {
        "period": Period(1403), "cutoff": DAY, "released_on": DAY, "kind": kind, "title_fa": "پایش اشتغال کشور",
        "period_fa": "سال ۱۴۰۳، دورهٔ ۱", "cutoff_fa": "۱ آبان ۱۴۰۵", "released_fa": "۱ آبان ۱۴۰۵",
        "first_day": datetime.date(2024, 3, 20), "last_day": datetime.date(2025, 3, 20), "contact": "دبیرخانه",
        "address": "/1403/1/2026-10-23/", "guideline": "abc123", "is_rehearsal": True,
        "not_covered": ("دستگاه نمایشی ۳",),
        "names": {"agency": {"P01": LONG_NAME, "P02": FORMULA}, "bank": {"B01": SCRIPT}},
    }  # fmt: skip
    return Edition(**(told | changes))


def figures_of(provinces=("00", "06"), counties=("0001", "0002", "0601"), domains=DOMAINS, seed=1403):
    document = definitions.indicators()
    places = [("nation", "IR"), *(("province", code) for code in provinces)]
    cells = [(level, unit, domain) for level, unit in places for domain in ("all", *domains)]
    cells += [("county", unit, "all") for unit in counties]
    variables = [entry["code"] for entry in document["variables"]]
    size = len(cells) * 2 * len(variables)
    # Counted numbers are whole, estimated ones are not; no two are equal.
    numbers = np.random.default_rng(seed).permutation(np.arange(size) + 1_000_000).reshape(len(cells), 2, -1)
    parts = [_part(entry, cells, numbers, variables) for entry in document["indicators"]]
    return pd.concat(parts, ignore_index=True)


def _part(entry, cells, numbers, variables):
    rows = pd.DataFrame(cells, columns=["level", "unit_code", "domain"])
    number = {code: numbers[:, :, place] for place, code in enumerate(variables)}
    exclusions = [number[reason][:, 0] for reason in entry.get("exclusions", ())]
    rows = rows.assign(
        year=1403, phase=1, cutoff=DAY, indicator=entry["code"], weight=entry.get("weight", "plan"),
        n=number[entry["observed"]][:, 0], method="count", guideline="abc123",
        exclusions=[
            json.dumps(dict(zip(entry.get("exclusions", ()), map(int, counts), strict=True)))
            for counts in (zip(*exclusions, strict=True) if exclusions else [()] * len(rows))
        ],
    )  # fmt: skip
    return pd.concat([_basis(rows, entry, number, basis) for basis in entry.get("bases", ("counted", "estimated"))])


def _basis(rows, entry, number, basis):
    is_estimated = basis == "estimated"
    value = {code: array[:, int(is_estimated)] + (0.37 if is_estimated else 0.0) for code, array in number.items()}
    numerator = value[entry["numerator"]]
    denominator = value[entry["denominator"]] if "denominator" in entry else None
    estimate = numerator if denominator is None else numerator / denominator
    error = estimate * 0.0137 if is_estimated else np.nan
    return rows.assign(
        basis=basis, numerator=np.nan if denominator is None else numerator,
        denominator=np.nan if denominator is None else denominator, estimate=estimate, standard_error=error,
        lower=estimate - 2 * error, upper=estimate + 2 * error, quality="B" if is_estimated else "exact",
    )  # fmt: skip


def at(figures, indicator, unit="06", basis="counted", domain="all"):
    """Where the one figure of these stands."""
    found = (
        figures["indicator"].eq(indicator) & figures["unit_code"].eq(unit) & figures["basis"].eq(basis)
        & figures["domain"].eq(domain)
    )  # fmt: skip
    assert found.sum() == 1
    return found
