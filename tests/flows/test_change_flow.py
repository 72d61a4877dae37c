"""Changes between rounds as they are stored: the small round of 1403 stands in for two later ones."""

import datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from methods.errors import SettingWrong
from methods.period import Period
from tasks.change import estimate_changes
from tasks.edges import warehouse

BEFORE, AFTER = 1408, 1409
COPIED = ("frame.eligible_plan", "sample.issued_plan", "sample.draw_certificate", "inspection.verdict")


def run(statement, **values):
    with warehouse.transaction() as connection:
        return connection.execute(sa.text(statement), values)


def rows(statement, **values):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement), values)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def copy_into(year, table):
    columns = rows(f"select * from {table} limit 0").columns
    shifted = ", ".join(str(year) if name == "year" else name for name in columns)
    run(f"insert into {table} ({', '.join(columns)}) select {shifted} from {table} where year = 1403 and phase = 1")


@pytest.fixture
def cutoff(rehearsed):
    """The same round twice, under other years; gone after the test."""
    for year in (BEFORE, AFTER):
        for table in COPIED:
            copy_into(year, table)
    yield rows("select max(cutoff) as cutoff from inspection.verdict where year = 1403")["cutoff"].item()
    for table in (*COPIED, "estimate.change"):
        run(f"delete from {table} where year in ({BEFORE}, {AFTER})")


def changes(day):
    estimate_changes(Period(AFTER), day)
    return rows(f"select * from estimate.change where year = {AFTER}")


def test_a_round_that_nothing_came_before_has_no_changes(cutoff):
    assert estimate_changes(Period(BEFORE), cutoff).row_count == 0


def test_a_round_without_verdicts_at_the_cutoff_is_refused(cutoff):
    with pytest.raises(SettingWrong, match=r"verdicts of 1409-1: found none at 2001-01-01.*payesh collect 1409"):
        estimate_changes(Period(AFTER), datetime.date(2001, 1, 1))


def test_the_same_plans_with_the_same_verdicts_have_not_changed(cutoff):
    found = changes(cutoff)
    assert set(found["method"]) == {"coordinated draws"}
    assert (found["against_year"].unique().tolist(), found["against_phase"].unique().tolist()) == ([BEFORE], [1])
    # In a small province an agency may have no decided plan at all.
    assert set(found["direction"]) <= {"no_clear_change", "not_tested", "undefined"}
    assert (found.loc[found["direction"] != "undefined", "change"] == 0).all()
    nation = found[(found["level"] == "nation") & (found["domain"] == "all")].set_index("indicator")
    assert nation["overlap_plan_count"].unique().tolist() == [2400]
    assert nation.loc["accuracy_rate", ["standard_error", "p_value"]].tolist() == [0, 1]
    figures = rows(
        "select indicator, estimate from estimate.figure where year = 1403 and phase = 1 and cutoff = :day"
        " and level = 'nation' and domain = 'all' and basis = 'estimated'", day=cutoff,
    ).set_index("indicator")  # fmt: skip
    for indicator, row in nation.iterrows():
        assert row["after"] == pytest.approx(figures.loc[indicator, "estimate"], rel=1e-6)


def test_independent_draws_have_no_covariance_and_a_fall_is_found(cutoff):
    run(
        f'update sample.draw_certificate set certificate = replace(certificate, \'"seed": "\', \'"seed": "other \')'
        f" where year = {AFTER}"
    )
    run(
        f"update inspection.verdict set is_confirmed = false, verdict = 'deviation'"
        f" where year = {AFTER} and is_confirmed and plan_id like '%1'"
    )
    found = changes(cutoff)
    assert set(found["method"]) == {"independent draws"}
    nation = found[(found["level"] == "nation") & (found["domain"] == "all")].set_index("indicator")
    rate = nation.loc["accuracy_rate"]
    assert (rate["direction"], nation.loc["deviation_plan_count", "direction"]) == ("less", "more")
    assert rate["composition_part"] + rate["rate_part"] == pytest.approx(rate["change"], abs=1e-12)
    # The same plans were inspected, so composition has no part in it.
    assert rate["composition_part"] == pytest.approx(0, abs=1e-12)
    assert rate["lower"] < rate["change"] < rate["upper"] < 0
    assert pd.isna(nation.loc["cost_per_job_rial", "composition_part"])


def test_verdicts_after_the_cutoff_are_not_read(cutoff):
    run(f"update inspection.verdict set cutoff = cutoff + 30 where year = {BEFORE}")
    assert changes(cutoff).empty
