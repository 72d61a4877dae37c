"""A second edition of a period: its number, its kind, what it changes and why."""

import datetime

import numpy as np
import pandas as pd
import pytest

from methods.errors import FrozenConflict, SettingWrong
from methods.period import Period
from tasks import reference
from tasks.edges import warehouse
from tasks.release import record_edition

PERIOD = Period(1450)
DAY = datetime.date


@pytest.fixture(autouse=True)
def _references(stack):
    reference.load()


def print_figures(cutoff, guideline="g1", **estimates):
    rows = pd.DataFrame(
        {
            "year": 1450, "phase": 1, "cutoff": cutoff, "indicator": list(estimates), "basis": "counted",
            "level": "nation", "unit_code": "IR", "domain": "all", "numerator": np.nan, "denominator": np.nan, "n": 1,
            "estimate": list(estimates.values()), "quality": "exact", "method": "count", "guideline": guideline,
        }
    )  # fmt: skip
    warehouse.freeze("bulletin.printed_figure", {"year": 1450, "phase": 1, "cutoff": cutoff}, rows)


def edition(cutoff):
    rows = warehouse.read("bulletin/edition.sql", year=1450, phase=1)
    return rows[rows["cutoff"] == cutoff].iloc[0]


def revisions(cutoff):
    return warehouse.read("bulletin/revision.sql", year=1450, phase=1, cutoff=cutoff)


def test_editions_follow_one_another_and_the_earlier_stands():
    first, second, third = DAY(2072, 1, 1), DAY(2072, 2, 1), DAY(2072, 3, 1)
    print_figures(first, confirmed_plan_count=10, decided_plan_count=12)
    record_edition.fn(PERIOD, first)
    assert edition(first)[["number", "kind"]].tolist() == [1, "provisional"]
    assert edition(first)["supersedes"] is None
    assert revisions(first).empty

    # The same data and rules, another figure: the first one was wrong.
    print_figures(second, confirmed_plan_count=11, decided_plan_count=12)
    record_edition.fn(PERIOD, second)
    assert edition(second)[["number", "kind", "supersedes"]].tolist() == [2, "revised", first]
    assert edition(second)["reasons"] == ["error"]
    assert revisions(second)[["indicator", "before", "after"]].values.tolist() == [["confirmed_plan_count", 10, 11]]

    print_figures(third, guideline="g2", confirmed_plan_count=12, decided_plan_count=12)
    record_edition.fn(PERIOD, third, "final")
    assert edition(third)[["number", "kind"]].tolist() == [3, "final"]
    assert edition(third)["reasons"] == ["method"]

    # Run again, each stays what it is.
    for cutoff in (second, third):
        record_edition.fn(PERIOD, cutoff)
    assert edition(third)["kind"] == "final"
    assert warehouse.read("bulletin/edition.sql", year=1450, phase=1)["number"].tolist() == [1, 2, 3]
    with pytest.raises(FrozenConflict):
        record_edition.fn(PERIOD, third, "provisional")


def test_a_kind_of_edition_there_is_not_is_refused():
    with pytest.raises(SettingWrong, match="draft"):
        record_edition.fn(PERIOD, DAY(2072, 4, 1), "draft")
