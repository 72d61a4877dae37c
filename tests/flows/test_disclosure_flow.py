"""What the rehearsed edition withholds, seen from what it prints."""

import pandas as pd
import pytest

from methods import estimate
from methods.period import Period
from tasks.edges import definitions, warehouse
from tasks.edges.edition import EditionFolder

PERIOD = Period(1403, 1)
KEY = ["level", "unit_code", "domain"]


def read(query):
    return warehouse.read(f"select * from bulletin.{query}")


@pytest.fixture(scope="module")
def told(rehearsed):
    """Each printed figure with each cell it tells: its two sides, and the plans it rests on."""
    wanted = estimate.definitions_in_force(definitions.indicators(), PERIOD.reference_date)
    cells = read("cell where year = 1403 and phase = 1")
    assert cells["is_withheld"].any()
    figures = read("printed_figure where year = 1403 and phase = 1")
    tells = pd.DataFrame(
        [(one.code, name) for one in wanted.indicators for name in one.tells], columns=["indicator", "variable"]
    )
    return figures.merge(tells, on="indicator").merge(cells, on=["cutoff", *KEY, "variable"])


def test_a_figure_is_printed_only_where_every_cell_it_tells_may_be(told):
    by_figure = told.groupby(["cutoff", "indicator", "basis", *KEY])
    assert (by_figure["is_suppressed"].first() == by_figure["is_withheld"].any()).all()


def test_every_count_of_few_people_is_withheld(told):
    sensitive = ["eligible", "issued", "supervised", "decided", "confirmed", "deviation", "violation", "discrepancy"]
    small = told["variable"].isin(sensitive) & told["value"].between(1, 2)
    assert small.any()
    assert told.loc[small, "is_withheld"].all()


def test_what_a_rate_leaves_out_is_not_said_where_it_is_withheld(rehearsed):
    cells = read("cell where year = 1403 and phase = 1 and variable = 'pending'").set_index(KEY)["is_withheld"]
    figures = read(
        "printed_figure where year = 1403 and phase = 1 and indicator = 'accuracy_rate' and basis = 'counted'"
    )
    said = figures.set_index(KEY)["exclusions"].map(lambda reasons: reasons["pending"] is not None)
    both = pd.concat([cells, said], axis=1, join="inner")
    assert (both["exclusions"] == ~both["is_withheld"]).all()


def test_the_open_data_of_the_edition_hold_none_of_it(told):
    cutoff = told["cutoff"].max()
    published = pd.read_parquet(EditionFolder(PERIOD, cutoff).shown / "data" / "figures.parquet")
    hidden = told[(told["cutoff"] == cutoff) & told["is_suppressed"]]
    keys = pd.MultiIndex.from_frame(hidden[["indicator", "basis", "unit_code", "domain"]]).unique()
    rows = published.set_index(["indicator", "basis", "unit_code", "domain"]).loc[keys]
    assert len(rows) == len(keys)
    assert rows[["estimate", "numerator", "denominator", "n"]].isna().all().all()
