"""The three sources of error of the small rehearsal, held against what the rehearsal knows."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from demo import chance, scenario, truth
from methods.period import Period
from tasks.edges import warehouse
from tasks.error_sources import estimate_error_sources
from tasks.inspection import judge_repeats

ROUND = Period(1403)
SMALL = scenario.load("small")


def rows(statement, **values):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement), values)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def nation(indicator="accuracy_rate"):
    found = rows(
        "select * from estimate.error_source where year = 1403 and level = 'nation' and indicator = :indicator",
        indicator=indicator,
    )
    return found.iloc[0]


@pytest.fixture
def cutoff(rehearsed):
    return rows("select max(cutoff) as cutoff from inspection.verdict where year = 1403")["cutoff"].item()


def test_raw_rates_are_the_published_ones_and_every_gap_is_stated(rehearsed):
    found = rows(
        "select error.*, figure.estimate as estimate_there, figure.standard_error as standard_error_there,"
        " figure.lower as lower_there, figure.upper as upper_there"
        " from estimate.error_source as error"
        " inner join estimate.figure as figure using (year, phase, cutoff, level, unit_code, indicator)"
        " where year = 1403 and figure.basis = 'estimated' and figure.domain = 'all'"
    )
    assert len(found) == 2 * (1 + 31)
    # Published totals are whole multiples of 2**-20 plans.
    for name in ("estimate", "standard_error", "lower", "upper"):
        assert found[name].to_numpy() == pytest.approx(found[f"{name}_there"].to_numpy(), rel=1e-7)
    assert set(found["nonresponse_quality"]) == {"weighted"}
    whole = nation()
    year = SMALL.year(1403)
    assert whole["issued_plan_count"] == year.supervised_plan_count
    assert whole["decided_plan_count"] == year.decided_plan_count
    # Four repeats a province bear nothing; those of the nation do.
    assert whole["measurement_quality"] == "measured"
    assert set(found.loc[found["level"] == "province", "measurement_quality"]) <= {"too_few_repeats", "not_measured"}


def test_the_intervals_hold_what_the_rehearsal_knows(rehearsed):
    columns = "plan_id, agency_code, province_code, county_code, plan_kind, registered_job_count"
    frame = rows(f"select {columns} from frame.eligible_plan where year = 1403 order by plan_id")  # noqa: S608
    issued = rows(f"select {columns} from sample.issued_plan where year = 1403 order by plan_id")  # noqa: S608
    at = truth.cuts(issued, SMALL, 1403)
    wrong = chance.of_codes(f"{SMALL.seed}|1403-1|first visit", "error", frame["plan_id"])
    errors = SMALL.first_visit_errors
    for name, cut in (("corrected", at), ("combined", truth.Cuts(-np.inf, at.confirmed))):
        known = truth.truth(frame, SMALL, 1403, cut)
        held = np.where(known["is_confirmed"], wrong >= errors["confirmed_wrongly"], wrong < errors["refused_wrongly"])
        rate = held[known["is_decided"]].mean()
        assert nation()[f"{name}_lower"] < rate < nation()[f"{name}_upper"]
        # The raw rate takes four confirmations in a hundred too many for true.
        assert nation()["estimate"] > rate


def test_agreement_of_the_nation_is_measured_and_small_firms_are_withheld(rehearsed):
    found = rows("select * from estimate.agreement where year = 1403")
    whole = found[(found["level"] == "nation") & (found["measure"] == "confirmation")].iloc[0]
    assert (whole["quality"], whole["n"]) == ("measured", nation()["repeated_plan_count"])
    assert 0.7 < whole["lower"] < whole["estimate"] < whole["upper"] <= 1
    firms = found[(found["level"] == "firm") & (found["measure"] == "confirmation")]
    assert firms["n"].sum() == whole["n"]
    assert set(firms["quality"]) == {"too_few_repeats"}


def test_a_round_without_repeats_says_so_and_comes_back_the_same(cutoff):
    before = estimate_error_sources(ROUND, cutoff)
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from inspection.reinspection where year = 1403"))
    estimate_error_sources(ROUND, cutoff)
    assert nation()["measurement_quality"] == "not_measured"
    assert nation()["combined_estimate"] is None
    assert set(rows("select quality from estimate.agreement where year = 1403")["quality"]) == {"not_measured"}
    judge_repeats(ROUND, cutoff)
    assert estimate_error_sources(ROUND, cutoff) == before


def test_the_error_budget_is_shown(rehearsed):
    from prefect.artifacts import Artifact

    shown = Artifact.get(f"error-sources-{ROUND}")
    assert "Error budget of the nation" in shown.data
    assert f"{nation()['combined_estimate']:.4f}" in shown.data
    assert "non_contact" in shown.data and "moved" in shown.data
