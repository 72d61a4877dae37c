import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import quality
from methods.errors import FrameMismatch, GuidelineMissing
from methods.period import Period
from tasks.edges import law

ROOT = Path(__file__).parents[2]
FILLED = st.lists(st.integers(1, 10_000), min_size=1, max_size=12)
PAIRS = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=12).filter(
    lambda pairs: all(sum(side) for side in zip(*pairs, strict=True))
)
COLUMNS = ["basis", "column_name", "bin", "row_count", "total_rial"]


def profile(*rows):
    return pd.DataFrame([(*row, None)[:5] for row in rows], columns=COLUMNS)


def plans(by_province, total_rial, empty=0):
    rows = sum(by_province.values())
    return profile(
        ("delivered", "budget_note", "filled", rows - empty),
        ("delivered", "budget_note", "empty", empty),
        ("delivered", "province", "filled", rows),
        ("delivered", "province", "empty", 0),
        *(("accepted", "province_code", code, count) for code, count in by_province.items()),
        ("accepted", "loan_paid_rial", "1000000", rows, total_rial),
    )


def test_two_bins_worked_by_hand():
    # Shares 0.5 and 0.5 become 0.6 and 0.4: 0.1 ln(0.6/0.5) - 0.1 ln(0.4/0.5) = 0.1 ln 1.5.
    assert quality.stability_index([50, 50], [60, 40]) == pytest.approx(0.1 * math.log(1.5))


def test_an_empty_bin_counts_as_half_a_row_worked_by_hand():
    # Shares 1 and 0.5/100 become 0.5 and 0.5; the bin empty on both sides counts for nothing.
    by_hand = (0.5 - 1) * math.log(0.5) + (0.5 - 0.005) * math.log(100)
    assert quality.stability_index([100, 0, 0], [2, 2, 0]) == pytest.approx(by_hand)


@given(FILLED, st.integers(1, 50))
def test_the_same_shares_of_another_size_have_not_moved(counts, times):
    assert quality.stability_index(counts, np.array(counts) * times) == pytest.approx(0, abs=1e-12)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_index_has_no_direction_no_order_of_bins_and_no_negative_value(pairs, random):
    before, now = zip(*pairs, strict=True)
    index = quality.stability_index(before, now)
    assert index >= 0
    assert quality.stability_index(now, before) == pytest.approx(index)
    shuffled = random.sample(pairs, len(pairs))
    assert quality.stability_index(*zip(*shuffled, strict=True)) == pytest.approx(index)


@pytest.mark.parametrize(
    ("before", "now"), [([1, 2], [1]), ([0, 0], [1, 2]), ([1, 2], [0, 0]), ([-1, 2], [1, 2]), ([math.nan, 1], [1, 1])]
)
def test_bins_that_do_not_fit_together_are_refused(before, now):
    with pytest.raises(FrameMismatch, match="stability index"):
        quality.stability_index(before, now)


@pytest.mark.parametrize("bins", [3, 31])
def test_chance_alone_passes_its_index_as_often_as_it_says(bins):
    drawn = np.random.default_rng(1403)
    shares = np.arange(2, bins + 2) / np.arange(2, bins + 2).sum()
    limit = quality.chance_index(bins, 4_000, 6_000, 0.95)
    pairs = zip(drawn.multinomial(4_000, shares, 2_000), drawn.multinomial(6_000, shares, 2_000), strict=True)
    passed = np.mean([quality.stability_index(before, now) > limit for before, now in pairs])
    # Three standard errors of a share of 0.05 among 2,000 are 0.015.
    assert abs(passed - 0.05) < 0.015


def test_a_single_bin_cannot_move():
    assert quality.chance_index(1, 10, 10, 0.99) == 0


def test_a_delivery_like_the_one_before_has_not_changed():
    before = plans({"01": 500, "02": 500}, 1e12, empty=10)
    measures = quality.change_measures(before, before, 0.99).iloc[0]
    assert (measures["row_count_ratio"], measures["total_ratio"]) == (1, 1)
    assert (measures["empty_share_rise"], measures["stability_index"]) == (0, 0)
    assert measures[["empty_share_column", "stability_column"]].isna().all()


def test_toman_read_as_rial_a_lost_province_and_an_emptied_column_are_seen():
    before = plans({"01": 500, "02": 500}, 1e12)
    now = plans({"01": 500}, 1e11, empty=100)
    measures = quality.change_measures(before, now, 0.99).iloc[0]
    assert (measures["row_count_before"], measures["row_count_now"], measures["row_count_ratio"]) == (1000, 500, 2)
    assert measures["total_ratio"] == pytest.approx(10)
    assert (measures["empty_share_rise"], measures["empty_share_column"]) == (0.2, "budget_note")
    assert measures["stability_column"] == "province_code"
    assert measures["stability_index"] == quality.stability_index([500, 500], [500, 0])


def test_twenty_rows_that_fall_otherwise_by_chance_are_no_change():
    measures = quality.change_measures(plans({"01": 12, "02": 8}, 1), plans({"01": 8, "02": 12}, 1), 0.99).iloc[0]
    assert quality.stability_index([12, 8], [8, 12]) > 0.1
    assert (measures["stability_index"], measures["stability_column"]) == (0, None)


def test_fewer_empty_cells_and_a_new_column_are_no_rise():
    before = plans({"01": 100}, 1, empty=50)
    added = profile(("delivered", "postcode", "empty", 100), ("delivered", "postcode", "filled", 0))
    now = pd.concat([plans({"01": 100}, 1), added])
    rise = quality.column_changes(before, now, 0.99)["empty_share_rise"]
    assert rise["budget_note"] == 0
    assert math.isnan(rise["postcode"])
    assert quality.change_measures(before, now, 0.99)["empty_share_rise"].iloc[0] == 0


def test_a_form_without_amounts_and_codes_is_not_judged_by_them():
    spells = profile(("delivered", "ended_on", "filled", 4), ("delivered", "ended_on", "empty", 6))
    measures = quality.change_measures(spells, spells, 0.99).iloc[0]
    assert measures["row_count_ratio"] == 1
    assert measures[["total_ratio", "stability_index"]].isna().all()


def test_without_a_delivery_before_there_is_no_judgement():
    with pytest.raises(FrameMismatch, match="no profile of the delivery before"):
        quality.change_measures(profile(), plans({"01": 1}, 1), 0.99)


def test_a_measure_stands_beside_how_many_times_its_limit_it_is():
    measures = pd.DataFrame([{"stability_index": 0.25, "total_ratio": math.nan}])
    found = quality.over_limits(measures, {"stability_index": "0.1", "total_ratio": "2"}, "noted").iloc[0]
    assert found["stability_index_over_noted"] == pytest.approx(2.5)
    assert math.isnan(found["total_ratio_over_noted"])


@pytest.mark.parametrize(
    "limits", [{"share": "0"}, {"share": "-1"}, {"other": "1"}, {"share": "NaN"}, {"share": "a tenth"}]
)
def test_a_limit_nobody_takes_or_not_above_zero_is_refused(limits):
    with pytest.raises(GuidelineMissing, match="validation, noted"):
        quality.over_limits(pd.DataFrame([{"share": 0.1}]), limits, "noted")


@pytest.mark.parametrize("judged", ["contradiction", "change"])
def test_every_limit_of_the_guideline_is_judged_by_a_suite_and_none_is_judged_without(judged, monkeypatch):
    monkeypatch.setenv("PAYESH_GUIDELINES", str(ROOT / "guidelines"))
    rules = law.section("validation", Period(1403))
    tables = {name.removesuffix(f"_{judged}"): rules[name] for name in rules if name.endswith(f"_{judged}")}
    limited = {f"{measure}_over_{name}" for name, table in tables.items() for measure in table}
    suite = {"contradiction": "across", "change": "change"}[judged]
    document = json.loads((ROOT / "expectations" / "gate" / f"{suite}.json").read_text(encoding="utf-8"))
    columns = {expectation["kwargs"]["column"] for expectation in document["expectations"]}
    assert {column for column in columns if "_over_" in column} == limited
