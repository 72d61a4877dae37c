import hashlib
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import guideline, sample
from methods.errors import FrameMismatch, GuidelineMissing

SRS = {"method": "srs"}
RULES = {
    "issued_plan_count": 7,
    "minimum_plans_per_county": 2,
    "minimum_plans_per_agency": 0,
    "design": SRS,
    "allocation": "proportional",
    "planning_share": {"default": "0.5"},
    "largest_province_workload": {"default": "inf"},
    "required_province_codes": [],
}


def frame(**sizes):
    rows = [
        {
            "plan_id": f"{county}-{i}",
            "province_code": county[:2],
            "county_code": county,
            "agency_code": "P01",
            "plan_kind": "enterprise",
            "loan_paid_rial": 10 + i,
        }
        for county, size in sizes.items()
        for i in range(size)
    ]
    return pd.DataFrame(rows)


def draw(plans, seed, **changes):
    return sample.draw_plans(plans, RULES | changes, seed)


PLANS = frame(**{"0001": 10, "0002": 2, "0101": 8})


def test_two_strata_worked_by_hand():
    # 10 of 20 in proportion is 5 each; a minimum of 7 for the first leaves 3 for the second.
    population = pd.Series({"plains": 10, "hills": 10})
    assert sample.allocate(population, 10).tolist() == [5, 5]
    assert sample.allocate(population, 10, minimum=pd.Series({"plains": 7, "hills": 0})).tolist() == [7, 3]


def test_the_largest_remainder_gets_the_odd_unit():
    # 5 * 7/12 = 2.92, 5 * 3/12 = 1.25, 5 * 2/12 = 0.83: one each goes to .92 and .83.
    assert sample.allocate(pd.Series([7, 3, 2]), 5).tolist() == [3, 1, 1]


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.integers(0, 20), st.data())
def test_an_allocation_keeps_its_sum_and_its_bounds(sizes, minimum, data):
    population = pd.Series(sizes)
    floor = np.minimum(population, minimum)
    n = data.draw(st.integers(int(floor.sum()), int(population.sum())))
    found = sample.allocate(population, n, minimum)
    assert found.sum() == n
    assert ((found >= floor) & (found <= population)).all()


def test_more_than_the_frame_holds_is_refused_with_what_binds():
    with pytest.raises(FrameMismatch, match="population or the maximum binds"):
        sample.allocate(pd.Series([3, 4]), 8)
    with pytest.raises(FrameMismatch, match="minimum binds"):
        sample.allocate(pd.Series([3, 4]), 2, minimum=2)


def test_proportional_allocation_agrees_with_the_oracle(oracle):
    rows = pd.read_csv(oracle / "allocation_neyman.csv")
    for _, case in rows.groupby("case"):
        n = int(case["n"].iloc[0])
        expected = n * case["N"] / case["N"].sum()
        assert expected.to_numpy() == pytest.approx(case["proportional"].to_numpy(), rel=1e-12)
        found = sample.allocate(case["N"], n)
        assert found.sum() == n
        assert (abs(found - case["proportional"]) < 1).all()


def test_levels_are_worked_by_hand():
    # 7 of 20: province 00 gets 12 * .35 = 4.2, province 01 2.8, so 4 and 3; in 00 county 0002 keeps its 2.
    found = sample.allocate_levels(PLANS, RULES).set_index("county_code")["sample_plan_count"]
    assert found.to_dict() == {"0001": 2, "0002": 2, "0101": 3}


def test_drawing_again_from_a_shuffled_frame_draws_the_same():
    drawn = draw(PLANS, "seed").drawn
    pd.testing.assert_frame_equal(drawn, draw(PLANS.sample(frac=1, random_state=1), "seed").drawn)
    assert len(drawn) == 7
    assert draw(PLANS, "another").drawn["plan_id"].tolist() != drawn["plan_id"].tolist()


def test_weights_add_up_to_the_frame():
    drawn = draw(PLANS, "seed").drawn
    assert (1 / drawn["inclusion_probability"]).sum() == pytest.approx(len(PLANS))
    assert drawn["inclusion_probability"].between(0, 1, inclusive="right").all()


def test_of_nobody_there_is_no_random_number():
    assert sample.random_numbers(pd.Series([], dtype=object), "seed").tolist() == []
    nobody = pd.DataFrame({"plan_id": [], "province_code": []}, dtype=str)
    assert sample.draw_reinspections(
        nobody, {"reinspection": {"provincial_share": "0.5", "national_share": "0"}}, "s"
    ).empty


def test_a_random_number_can_be_computed_by_anyone():
    expected = (int(hashlib.sha256(b"seed|P01-1").hexdigest()[:16], 16) >> 11) / 2**53
    assert sample.random_numbers(pd.Series(["P01-1"]), "seed")[0] == expected


NUMBERED = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1 - 2**-53])), min_size=1)


@given(NUMBERED, st.sampled_from(["0", "0.5", "1"]), st.data())
def test_the_first_of_each_stratum_are_drawn_and_the_next_stand_in_reserve(plans, reserve, data):
    # Few numbers and many equal ones: whoever has the smaller code comes first.
    counties = [f"000{county}" for county, _ in plans]
    numbers = {f"P{place:03d}": number for place, (_, number) in enumerate(plans)}
    table = frame(**{"0000": len(plans)}).assign(county_code=counties, plan_id=list(numbers))
    table = table.iloc[data.draw(st.permutations(range(len(plans))))]
    rules = RULES | {
        "issued_plan_count": data.draw(st.integers(len(set(counties)), len(plans))),
        "minimum_plans_per_county": 1,
        "design": {"method": "srs", "reserve_share": reserve},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "random_numbers", lambda codes, seed: codes.map(numbers).to_numpy())
        found = sample.draw_plans(table, rules, "seed")
    sizes = found.allocation.set_index("stratum_code")["sample_plan_count"]
    for county, part in table.assign(number=table["plan_id"].map(numbers)).groupby("county_code"):
        queue = part.sort_values(["number", "plan_id"])["plan_id"].tolist()
        n, more = sizes[county], math.ceil(sizes[county] * float(reserve))
        assert sorted(found.drawn.loc[found.drawn["stratum_code"] == county, "plan_id"]) == sorted(queue[:n])
        standing = found.reserve[found.reserve["stratum_code"] == county]
        assert standing["plan_id"].tolist() == queue[n : n + more]


def test_numbers_that_crowd_at_the_end_are_drawn_all_the_same(monkeypatch):
    # None lies where the first 5 of 200 are looked for.
    monkeypatch.setattr(sample, "random_numbers", lambda codes, seed: 1 - (np.arange(len(codes)) + 1) / 1000)
    found = draw(frame(**{"0001": 200}), "seed", issued_plan_count=5, minimum_plans_per_county=1)
    assert sorted(found.drawn["plan_id"]) == [f"0001-{place}" for place in range(195, 200)]


def test_every_plan_is_drawn_as_often_as_its_probability_says():
    # 2000 counties of 8 plans, half of each drawn.
    counties = 2000
    plans = frame(**{f"00{number:04d}": 8 for number in range(counties)})
    drawn = draw(plans, "seed", issued_plan_count=4 * counties, minimum_plans_per_county=0).drawn
    place = drawn["plan_id"].str.split("-").str[1].astype(int)
    # Binomial with p = 1/2: four standard errors are 4 * sqrt(.25 / 2000) = .045.
    assert (abs(place.value_counts().reindex(range(8)) / counties - 0.5) < 0.045).all()
    together = place[place.isin([0, 5])].groupby(drawn["county_code"]).size().eq(2).sum()
    # Both of two plans: 4 * 3 / (8 * 7) = .214, four standard errors .037.
    assert abs(together / counties - 12 / 56) < 0.037


def test_a_county_in_two_provinces_is_refused():
    broken = pd.concat([PLANS, PLANS.head(1).assign(plan_id="x", province_code="01")])
    with pytest.raises(FrameMismatch, match="county 0001"):
        draw(broken, "seed")


# probabilities in proportion to size ------------------------------------------------------------


def test_probabilities_worked_by_hand():
    # 2 of sizes 1, 1, 2, 6: 2 * 6/10 is above 1, so the last is sure, and one of 1, 1, 2 is left.
    assert sample.inclusion_probabilities([1, 1, 2, 6], 2).tolist() == [0.25, 0.25, 0.5, 1.0]


def test_probabilities_and_draws_agree_with_the_oracle(oracle):
    sizes = pd.read_csv(oracle / "pps_sizes.csv")
    expected = pd.read_csv(oracle / "pps_inclusion.csv")
    draws = pd.read_csv(oracle / "pps_systematic_draws.csv")
    for vector, rows in expected.groupby("vector"):
        given_sizes = sizes[sizes["vector"] == vector]
        found = sample.inclusion_probabilities(given_sizes["size"], int(given_sizes["n"].iloc[0]))
        assert found == pytest.approx(rows["pik"].to_numpy(), abs=1e-12)
        for one in draws[draws["vector"] == vector].itertuples():
            assert (sample.systematic_pps(found, one.u) + 1).tolist() == [int(unit) for unit in one.selected.split()]


positive_sizes = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=40)


@given(positive_sizes, st.data())
def test_probabilities_add_up_and_keep_the_order_of_sizes(sizes, data):
    n = data.draw(st.integers(0, len(sizes)))
    pi = sample.inclusion_probabilities(sizes, n)
    assert pi.sum() == pytest.approx(n, abs=1e-9)
    assert ((pi >= 0) & (pi <= 1)).all()
    assert (np.diff(pi[np.argsort(sizes)]) >= -1e-12).all()
    open_units = pi < sample.CERTAIN
    assert np.ptp(pi[open_units] / np.array(sizes)[open_units]) <= 1e-9 if open_units.any() else True


@given(positive_sizes, st.floats(0, 1, exclude_max=True), st.data())
def test_a_systematic_draw_has_its_size_and_takes_the_sure(sizes, start, data):
    n = data.draw(st.integers(0, len(sizes)))
    pi = sample.inclusion_probabilities(sizes, n)
    drawn = sample.systematic_pps(pi, start)
    assert len(drawn) == n == len(set(drawn.tolist()))
    assert set(np.flatnonzero(pi >= sample.CERTAIN)) <= set(drawn.tolist())


@pytest.mark.parametrize("size", [[1, 0], [1, -2], [1, float("nan")], [1, float("inf")]])
def test_a_size_nobody_can_be_drawn_by_is_named(size):
    with pytest.raises(FrameMismatch, match="size, unit 2"):
        sample.inclusion_probabilities(size, 1)


def test_more_than_there_are_is_refused():
    with pytest.raises(FrameMismatch, match="n of 3 for 2 units"):
        sample.inclusion_probabilities([1, 1], 3)
    with pytest.raises(FrameMismatch, match="start"):
        sample.systematic_pps([0.5, 0.5], 1.0)
    with pytest.raises(FrameMismatch, match="unit 1"):
        sample.systematic_pps([1.5, 0.5], 0.1)


def test_joint_probabilities_worked_by_hand():
    # Stretches [0, .5), [.5, .75), [.75, 1.5), [1.5, 2): start .2 draws 1 and 3, .6 draws 2 and 4, .8 draws 3 and 4.
    joint = sample.joint_inclusion_systematic([0.5, 0.25, 0.75, 0.5])
    assert joint.tolist() == [
        [0.5, 0, 0.5, 0],
        [0, 0.25, 0, 0.25],
        [0.5, 0, 0.75, 0.25],
        [0, 0.25, 0.25, 0.5],
    ]


@given(positive_sizes, st.data())
def test_joint_probabilities_are_what_every_start_gives(sizes, data):
    n = data.draw(st.integers(1, len(sizes)))
    pi = sample.inclusion_probabilities(sizes, n)
    joint = sample.joint_inclusion_systematic(pi)
    assert joint == pytest.approx(joint.T, abs=1e-12)
    # Each drawn unit meets n - 1 others.
    assert joint.sum(axis=1) == pytest.approx(n * pi, abs=1e-8)


def test_inclusion_over_20000_draws_is_that_of_every_unit():
    # Twenty thousand strata of the same sixty sizes: each is one draw by the public seed.
    rounds, units = 20_000, 60
    size = np.round(np.exp(np.linspace(0, 4, units)), 3)
    county = np.repeat([f"{number:05d}" for number in range(rounds)], units)
    plans = pd.DataFrame({"county_code": county, "province_code": "00", "agency_code": "P01", "plan_kind": "x"})
    plans["plan_id"] = plans["county_code"] + "-" + np.tile([f"{unit:02d}" for unit in range(units)], rounds)
    plans["loan_paid_rial"] = np.tile(size, rounds)
    rules = {"issued_plan_count": 12 * rounds, "design": {"method": "pps_systematic", "size": "loan_paid_rial"}}
    drawn = draw(plans, "public seed", **rules).drawn
    pi = sample.inclusion_probabilities(size, 12)
    found = np.bincount(drawn["plan_id"].str[-2:].astype(int), minlength=units) / rounds
    assert (abs(found - pi) <= 4 * np.sqrt(pi * (1 - pi) / rounds) + 1e-12).all()
    assert (drawn.groupby("county_code").size() == 12).all()


@given(st.lists(st.lists(st.integers(1, 10**9), min_size=1, max_size=12), min_size=1, max_size=6), st.data())
def test_strata_drawn_together_are_drawn_as_if_alone(strata, data):
    plans = frame(**{f"{number:04d}": len(sizes) for number, sizes in enumerate(strata)})
    plans["loan_paid_rial"] = np.concatenate(strata)
    n = data.draw(st.integers(len(strata), len(plans)))
    rules = {"issued_plan_count": n, "minimum_plans_per_county": 1}
    found = draw(plans, "s", **rules, design={"method": "pps_systematic", "size": "loan_paid_rial"})
    for stratum in found.allocation.itertuples():
        mine = plans[plans["county_code"] == stratum.county_code]
        mine = mine.iloc[np.argsort(sample.random_numbers(mine["plan_id"], "s"), kind="stable")]
        pi = sample.inclusion_probabilities(mine["loan_paid_rial"], stratum.sample_plan_count)
        start = sample.random_numbers(pd.Series([stratum.stratum_code]), "s|start")[0]
        alone = mine["plan_id"].iloc[sample.systematic_pps(pi, start)]
        together = found.drawn[found.drawn["stratum_code"] == stratum.stratum_code]
        assert set(together["plan_id"]) == set(alone)


# strata, bounds, rounds --------------------------------------------------------------------------


def test_every_loan_above_the_threshold_is_taken():
    found = draw(PLANS, "seed", issued_plan_count=9, design=SRS | {"take_all_from_rial": "18"})
    large = PLANS[PLANS["loan_paid_rial"] >= 18]
    sure = found.drawn[found.drawn["stratum_code"].str.endswith("-A")]
    assert set(sure["plan_id"]) == set(large["plan_id"])
    assert (sure["inclusion_probability"] == 1).all()
    assert len(found.drawn) == 9
    assert (1 / found.drawn["inclusion_probability"]).sum() == pytest.approx(len(PLANS))


def test_a_small_agency_gets_its_minimum():
    plans = frame(**{"0001": 300, "0101": 300})
    plans.loc[[*range(8), *range(300, 308)], "agency_code"] = "P02"
    usual = draw(plans, "seed", issued_plan_count=60).drawn.merge(plans[["plan_id", "agency_code"]], on="plan_id")
    assert (usual["agency_code"] == "P02").sum() < 8
    found = draw(plans, "seed", issued_plan_count=60, minimum_plans_per_agency=8)
    table = found.drawn.merge(plans[["plan_id", "agency_code"]], on="plan_id")
    assert (table["agency_code"] == "P02").sum() >= 8
    assert (1 / table["inclusion_probability"]).sum() == pytest.approx(600)


def test_a_workload_limit_moves_plans_to_other_provinces_and_is_named():
    found = sample.allocate_levels(PLANS, RULES | {"largest_province_workload": {"default": "inf", "00": "4"}})
    assert found.groupby("province_code")["sample_plan_count"].sum().to_dict() == {"00": 4, "01": 3}
    tight = sample.allocate_levels(PLANS, RULES | {"largest_province_workload": {"default": "9", "01": "2"}})
    assert tight.groupby("province_code")["sample_plan_count"].sum().to_dict() == {"00": 5, "01": 2}
    assert tight.set_index("county_code")["binding_bound"].to_dict() == {
        "0001": "none", "0002": "population", "0101": "minimum"
    }  # fmt: skip
    with pytest.raises(FrameMismatch, match="province 00: found a workload limit of 3"):
        sample.allocate_levels(PLANS, RULES | {"largest_province_workload": {"default": "9", "00": "3"}})


def expected(plans, **changes):
    rules = RULES | changes
    return sample.expected_precision(draw(plans, "seed", **changes), rules).set_index("unit_code")


@pytest.mark.parametrize(
    ("changes", "bounds"),
    [
        # 20 plans: 10 and 2 of province 00, 8 of 01.
        ({"issued_plan_count": 10}, {"IR": "none", "00": "none", "01": "none"}),
        ({"largest_province_workload": {"default": "inf", "00": "4"}}, {"IR": "none", "00": "workload", "01": "none"}),
        ({"issued_plan_count": 20}, {"IR": "population", "00": "population", "01": "population"}),
        ({"issued_plan_count": 6}, {"IR": "none", "00": "minimum", "01": "minimum"}),
    ],
)
def test_what_holds_a_province_is_said_before_anything_is_issued(changes, bounds):
    assert expected(PLANS, **changes)["binding_bound"].to_dict() == bounds


def test_a_target_that_leaves_no_plan_to_spare_is_what_holds_its_province():
    rules = {"allocation": "precision", "precision_targets": {"nation": "0.5", "province": "0.10"}}
    found = expected(frame(**{"0001": 400, "0101": 900}), **rules)
    assert found["binding_bound"].to_dict() == {"IR": "none", "00": "precision", "01": "precision"}
    assert (1.96 * found["standard_error"]["00":] <= 0.10).all()


def test_equal_sizes_promise_what_simple_random_sampling_does_and_unequal_ones_less():
    plans = frame(**{"0001": 40, "0101": 60})
    by_size = {"design": {"method": "pps_systematic", "size": "loan_paid_rial"}, "issued_plan_count": 25}
    plain = expected(plans, issued_plan_count=25)["standard_error"]
    equal = expected(plans.assign(loan_paid_rial=7), **by_size)["standard_error"]
    unequal = expected(plans.assign(loan_paid_rial=np.arange(1, 101)), **by_size)["standard_error"]
    assert equal.to_numpy() == pytest.approx(plain.to_numpy(), rel=1e-12)
    assert (unequal > plain).all()


def test_the_precision_stated_of_a_draw_by_size_is_the_one_it_has():
    # A mark that does not follow the sizes: the spread of its estimated share over 4,000 draws.
    plans = frame(**{"0001": 60}).assign(loan_paid_rial=np.tile([1, 2, 3, 6, 8], 12))
    rules = {"design": {"method": "pps_systematic", "size": "loan_paid_rial"}, "issued_plan_count": 15}
    pi, marks = sample.inclusion_probabilities(plans["loan_paid_rial"], 15), np.arange(60) % 2 == 0
    chance, shares = np.random.default_rng(7), []
    for _ in range(4_000):
        order = chance.permutation(60)
        drawn = order[sample.systematic_pps(pi[order], chance.random())]
        shares.append((marks[drawn] / pi[drawn]).sum() / (1 / pi[drawn]).sum())
    assert np.std(shares) == pytest.approx(expected(plans, **rules)["standard_error"]["IR"], rel=0.12)


def test_a_required_province_without_plans_is_named():
    with pytest.raises(FrameMismatch, match="province 02: found no eligible plan"):
        draw(PLANS, "seed", required_province_codes=["00", "01", "02"])


def test_a_design_nobody_knows_is_refused():
    for design in ({"method": "quota"}, {"method": "srs", "size": "loan_paid_rial"}, {"method": "pps_systematic"}):
        with pytest.raises(GuidelineMissing, match="design"):
            draw(PLANS, "seed", design=design)


def test_a_guideline_that_says_nothing_for_the_date_is_named():
    values = {name: value for name, value in RULES.items() if name != "allocation"}
    with pytest.raises(GuidelineMissing, match="guideline sampling, allocation: found no value in force on 1399-01-01"):
        sample.draw_plans(PLANS, guideline.Section("sampling", "1399-01-01", values, ()), "seed")


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_start_next_to_one_loses_no_unit(n):
    pi = sample.inclusion_probabilities(np.arange(1.0, 21.0), n)
    assert len(sample.systematic_pps(pi, np.nextafter(1.0, 0.0))) == n


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"design": {"method": "srs", "reserve_share": "-1"}}, "reserve_share: found '-1'"),
        ({"design": {"method": "srs", "reserve_share": "ten"}}, "reserve_share: found 'ten'"),
        ({"design": {"method": "srs", "overlap_share": "5"}}, "overlap_share: found '5'"),
        ({"design": {"method": "pps_systematic", "size": "loan_paid_rial", "overlap_share": "0"}}, "wanted srs"),
        (
            {"design": {"method": "pps_systematic", "size": "loan_paid_rial", "reserve_share": "0.1"}},
            "reserve_share: found a reserve of 0.1 for a draw by pps_systematic; wanted srs",
        ),
        ({"design": {"method": "pps_systematic", "size": "loan"}}, "size: found 'loan'"),
    ],
)
def test_a_design_that_cannot_be_is_refused_by_name(changes, named):
    with pytest.raises(GuidelineMissing, match=named):
        draw(PLANS, "seed", **changes)


@pytest.mark.parametrize("shares", [{"provincial_share": "1.5", "national_share": "0.5"}, {"provincial_share": "0.2"}])
def test_a_share_of_repeats_that_is_none_is_refused_by_name(shares):
    drawn = draw(PLANS, "seed").drawn
    with pytest.raises(GuidelineMissing, match="reinspection, .*_share"):
        sample.draw_reinspections(drawn, {"reinspection": shares}, "seed")


def test_precision_that_a_province_cannot_bear_is_refused_with_its_limit():
    rules = {
        "allocation": "precision", "precision_targets": {"nation": "0.10", "province": "0.10"},
        "largest_province_workload": {"default": "5"},
    }  # fmt: skip
    with pytest.raises(FrameMismatch, match="allocation by precision, province 0.*at most 5, its workload limit"):
        draw(frame(**{"0001": 200, "0101": 200}), "seed", **rules)


def test_a_size_of_zero_in_the_frame_is_refused():
    with pytest.raises(FrameMismatch, match="size loan_paid_rial"):
        draw(
            PLANS.assign(loan_paid_rial=[0] + [5] * 19),
            "seed",
            design={"method": "pps_systematic", "size": "loan_paid_rial"},
        )


ROUNDS = frame(**{f"00{number:02d}": 40 for number in range(50)})
TEN_OF_FORTY = {"issued_plan_count": 500, "minimum_plans_per_county": 1}


def coordinated(share):
    first = draw(ROUNDS, "first", **TEN_OF_FORTY)
    rules = RULES | TEN_OF_FORTY | {"design": SRS | {"overlap_share": share}}
    second = sample.draw_plans(ROUNDS, rules, "second", sample.moved_on(first.drawn, float(share)), "first")
    assert second.drawn["random_number"].between(0, 1).all()
    return len(set(first.drawn["plan_id"]) & set(second.drawn["plan_id"]))


def test_rounds_overlap_as_much_as_the_guideline_asks():
    assert [coordinated(share) for share in ("1", "0.8", "0.5", "0")] == [500, 400, 250, 0]
    with pytest.raises(GuidelineMissing, match="coordinated"):
        draw(ROUNDS, "second", design=SRS | {"overlap_share": "0.5"})


def test_a_released_reserve_is_one_larger_simple_random_sample():
    found = draw(ROUNDS, "seed", **TEN_OF_FORTY, design=SRS | {"reserve_share": "0.2"})
    assert (found.reserve.groupby("stratum_code").size() == 2).all()
    assert not set(found.reserve["plan_id"]) & set(found.drawn["plan_id"])
    released = pd.Series({"0000": 1, "0001": 2})
    table = sample.released_probabilities(found.drawn, found.reserve, released).groupby("stratum_code")
    assert table.size()[["0000", "0001", "0002"]].tolist() == [11, 12, 10]
    assert table["inclusion_probability"].first()[["0000", "0001", "0002"]].tolist() == [11 / 40, 12 / 40, 10 / 40]
    larger = draw(ROUNDS, "seed", **(TEN_OF_FORTY | {"issued_plan_count": 600}))
    every = sample.released_probabilities(found.drawn, found.reserve, found.reserve.groupby("stratum_code").size())
    assert set(every["plan_id"]) == set(larger.drawn["plan_id"])
    with pytest.raises(FrameMismatch, match="stratum 0000: found 3 plans to release"):
        sample.released_probabilities(found.drawn, found.reserve, pd.Series({"0000": 3}))


def test_reinspections_are_nested_and_known():
    issued = draw(ROUNDS, "seed", **TEN_OF_FORTY).drawn
    rules = {"reinspection": {"provincial_share": "0.07", "national_share": "0.2"}}
    found = sample.draw_reinspections(issued, rules, "seed")
    levels = {level: rows for level, rows in found.groupby("level")}
    # 500 * .07 is 35 and not 36, as a binary .07 would have it; a fifth of those is 7.
    assert {level: len(rows) for level, rows in levels.items()} == {"provincial": 35, "national": 7}
    assert set(levels["national"]["plan_id"]) < set(levels["provincial"]["plan_id"]) < set(issued["plan_id"])
    assert levels["provincial"]["inclusion_probability"].unique().tolist() == [35 / 500]
    pd.testing.assert_frame_equal(
        found, sample.draw_reinspections(issued.sample(frac=1, random_state=2), rules, "seed")
    )
