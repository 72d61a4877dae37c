import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from methods import frame
from methods.errors import GuidelineMissing

LINKAGE = {"linkage_thresholds": {"linked": "0.99", "review": "0.50", "kept": "0.001"}, "linkage_needed_levels": {}}
NOBODY_SAID = pd.DataFrame(columns=["plan_id_left", "plan_id_right", "decision"])
RULES = {
    "minimum_loan_paid_rial": 10_000_000,
    "overlap_label": "تکراری",
    "eligibility_rules": [
        {"reason": "paid_outside_year", "label_fa": "الف", "column": "is_paid_in_year", "among": ["1"]},
        {
            "reason": "loan_below_minimum",
            "label_fa": "ب",
            "column": "loan_paid_rial",
            "least": "minimum_loan_paid_rial",
        },
    ],
}


def pairs_of(*rows):
    columns = ["plan_id_left", "plan_id_right", "match_probability", "national_id_left", "national_id_right"]
    return pd.DataFrame(rows, columns=columns).astype({"match_probability": float})


# eligibility -------------------------------------------------------------------------------------


def test_a_rule_takes_its_bound_from_a_dated_parameter():
    first, second = frame.eligibility_rules(RULES)
    assert first == {
        "rule_number": 1, "reason_code": "paid_outside_year", "column_name": "is_paid_in_year",
        "least": None, "most": None, "among": ["1"],
    }  # fmt: skip
    assert (second["rule_number"], second["least"], second["among"]) == (2, "10000000", None)


def test_every_reason_has_a_persian_label():
    assert frame.reason_labels(RULES) == {"paid_outside_year": "الف", "loan_below_minimum": "ب", "overlap": "تکراری"}


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"reason": "a", "column": "shoe_size", "least": "1"}, "shoe_size"),
        ({"reason": "a", "column": "loan_paid_rial"}, "loan_paid_rial"),
        ({"reason": "a", "column": "loan_paid_rial", "among": ["1"]}, "loan_paid_rial"),
        ({"reason": "a", "column": "plan_kind", "least": "1"}, "plan_kind"),
        ({"reason": "a", "column": "plan_kind", "among": []}, "plan_kind"),
        ({"reason": "overlap", "column": "plan_kind", "among": ["x"]}, "overlap"),
        ({"column": "plan_kind", "among": ["x"]}, "reason"),
    ],
)
def test_a_rule_that_says_nothing_is_refused_by_name(rule, named):
    with pytest.raises(GuidelineMissing, match=named):
        frame.eligibility_rules(RULES | {"eligibility_rules": [rule | {"label_fa": "ب"}]})


def test_a_reason_belongs_to_one_rule():
    with pytest.raises(GuidelineMissing, match="paid_outside_year"):
        frame.eligibility_rules(RULES | {"eligibility_rules": [RULES["eligibility_rules"][0]] * 2})


# record linkage ----------------------------------------------------------------------------------

MODEL = pd.DataFrame(
    [
        ("name", "equal", 0.8, 0.05),
        ("name", "other", 0.2, 0.95),
        ("county", "equal", 0.5, 0.25),
        ("county", "other", 0.5, 0.75),
    ],
    columns=["comparison", "level", "m_probability", "u_probability"],
)


def test_weights_worked_by_hand():
    # Prior odds 1/3. Both equal: 1/3 * 16 * 2 = 32/3. Name equal, county unlike: 1/3 * 16 * 2/3 = 32/9.
    levels = pd.DataFrame({"name": ["equal", "equal", "other", None], "county": ["equal", "other", None, None]})
    found = frame.match_weights(levels, MODEL, prior=0.25)
    wanted = [math.log2(32 / 3), math.log2(32 / 9), math.log2(0.2 / 0.95 / 3), math.log2(1 / 3)]
    assert found.tolist() == pytest.approx(wanted, abs=1e-12)


def test_the_prior_is_the_share_of_pairs_that_their_ids_call_one():
    assert frame.prior_probability(3, 10) == 3 / 45
    assert frame.prior_probability(0, 10) == 1 / 45
    assert frame.prior_probability(0, 0) == 1


def trained(m, u=(0.01, 0.99), pair_count=100):
    return pd.DataFrame(
        {"comparison": "name", "level": ["equal", "other"], "m_probability": m, "u_probability": u,
         "m_pair_count": pair_count, "u_pair_count": 50}
    )  # fmt: skip


TRAINING = {
    "linkage_training": {"least_pair_count": "30", "least_m_probability": "0.02"},
    "linkage_m_probability": {"name": {"equal": "0.7", "other": "0.3"}},
}


def test_what_training_saw_counts_but_never_as_impossible():
    found = frame.settle_model(trained([1.0, 0.0], u=[0.0, 1.0]), TRAINING)
    assert found["m_probability"].tolist() == pytest.approx([1 / 1.02, 0.02 / 1.02], abs=1e-9)
    # Half a pair of 50 for a level no random pair showed.
    assert found["u_probability"].tolist() == pytest.approx([0.01 / 1.01, 1 / 1.01], abs=1e-9)
    assert set(found["m_basis"]) == {"learned"}


@pytest.mark.parametrize("few", [trained([0.9, 0.1], pair_count=29), trained([np.nan, np.nan])])
def test_too_few_pairs_teach_nothing(few):
    found = frame.settle_model(few, TRAINING)
    assert found["m_probability"].tolist() == [0.7, 0.3]
    assert set(found["m_basis"]) == {"assumed"}


def test_a_level_without_an_assumption_is_named():
    with pytest.raises(GuidelineMissing, match="name other"):
        frame.settle_model(trained([0.9, 0.1]), TRAINING | {"linkage_m_probability": {"name": {"equal": "1"}}})


def test_two_thresholds_divide_the_pairs():
    pairs = pairs_of(
        ("a", "b", 0.99, None, None), ("a", "c", 0.5, None, None), ("a", "d", 0.4999, None, None),
        ("a", "e", 0.0009, None, None),
    )  # fmt: skip
    found = frame.decide_pairs(pairs, NOBODY_SAID, LINKAGE)
    assert found["decision"].tolist() == ["linked", "review", "not_linked"]
    assert set(found["decided_by"]) == {"rule"}


def test_a_clerk_decides_whatever_the_score():
    pairs = pairs_of(("a", "b", 0.6, None, "1"), ("a", "c", 0.999, None, "1"), ("d", "e", 0.0001, None, None))
    said = pd.DataFrame(
        [("a", "b", "linked"), ("a", "c", "not_linked"), ("d", "e", "linked"), ("x", "y", "linked")],
        columns=NOBODY_SAID.columns,
    )
    found = frame.decide_pairs(pairs, said, LINKAGE)
    assert found["decision"].tolist() == ["linked", "not_linked", "linked"]
    assert set(found["decided_by"]) == {"clerk"}


def test_two_people_are_never_joined_over_a_plan_without_id():
    # b has no ID and fits a of person 1 and c of person 2: it cannot be both.
    pairs = pairs_of(("a", "b", 1.0, "1", None), ("b", "c", 1.0, None, "2"), ("d", "e", 1.0, None, "3"))
    found = frame.decide_pairs(pairs, NOBODY_SAID, LINKAGE)
    assert found["decision"].tolist() == ["review", "review", "linked"]
    # A clerk who says which one it is settles it.
    said = pd.DataFrame([("a", "b", "not_linked")], columns=NOBODY_SAID.columns)
    assert frame.decide_pairs(pairs, said, LINKAGE)["decision"].tolist() == ["not_linked", "linked", "linked"]


def test_a_pair_whose_names_do_not_fit_is_never_linked_by_rule():
    pairs = pairs_of(*((f"a{at}", f"b{at}", 1.0, None, "1") for at in range(4)))
    pairs["name"] = ["equal", "near", "other", None]
    rules = LINKAGE | {"linkage_needed_levels": {"name": ["equal", "near"]}}
    assert frame.decide_pairs(pairs, NOBODY_SAID, rules)["decision"].tolist() == [
        "linked",
        "linked",
        "review",
        "review",
    ]
    said = pd.DataFrame([("a2", "b2", "linked")], columns=NOBODY_SAID.columns)
    assert frame.decide_pairs(pairs, said, rules)["decision"].tolist() == ["linked", "linked", "linked", "review"]
    with pytest.raises(GuidelineMissing, match="shoe_size"):
        frame.decide_pairs(pairs, NOBODY_SAID, LINKAGE | {"linkage_needed_levels": {"shoe_size": ["44"]}})


def test_thresholds_out_of_order_are_refused():
    with pytest.raises(GuidelineMissing, match="linkage_thresholds"):
        frame.decide_pairs(
            pairs_of(), NOBODY_SAID, LINKAGE | {"linkage_thresholds": {"linked": "0.5", "review": "0.6", "kept": "0"}}
        )


def test_a_chain_of_pairs_is_one_plan():
    pairs = pd.DataFrame([("c", "d"), ("a", "b"), ("b", "d"), ("x", "y")], columns=["plan_id_left", "plan_id_right"])
    found = frame.clusters(pairs)
    assert dict(zip(found["plan_id"], found["cluster_id"], strict=True)) == {
        "a": "a", "b": "a", "c": "a", "d": "a", "x": "x", "y": "x",
    }  # fmt: skip
    assert frame.clusters(pairs[:0]).empty


plan = st.sampled_from("abcdefghij")
edges = st.lists(st.tuples(plan, plan).filter(lambda pair: pair[0] < pair[1]), unique=True, max_size=20)


# A machine that does much else may take its time.
@settings(deadline=None)
@given(edges, st.randoms(), st.lists(st.sampled_from([0.0005, 0.3, 0.7, 0.995]), min_size=20, max_size=20))
def test_the_order_of_pairs_changes_nothing(written, chance, scores):
    persons = {name: {"a": "1", "e": "2", "i": "3"}.get(name) for name in "abcdefghij"}
    rows = [(left, right, scores[at], persons[left], persons[right]) for at, (left, right) in enumerate(written)]
    shuffled = list(rows)
    chance.shuffle(shuffled)
    once, again = (frame.decide_pairs(pairs_of(*some), NOBODY_SAID, LINKAGE) for some in (rows, shuffled))
    pair = ["plan_id_left", "plan_id_right"]
    sides = [one.sort_values(pair, ignore_index=True) for one in (once, again)]
    pd.testing.assert_frame_equal(*sides)
    linked = [frame.clusters(one[one["decision"] == "linked"]) for one in (once, again)]
    pd.testing.assert_frame_equal(*linked)
    # Nobody shares a plan with another person.
    cluster = linked[0].set_index("plan_id")["cluster_id"]
    people = cluster.index.map(persons).to_series(index=cluster.to_numpy()).dropna()
    assert people.groupby(level=0).nunique().le(1).all()


# desk verification -------------------------------------------------------------------------------

DESK = {
    "desk_rules": [
        {"status": "denied", "when": {"phone_outcome": ["denies_loan"]}},
        {"status": "confirmed", "when": {"sms_outcome": ["confirms", "reached"], "has_insurance": ["1"]}},
        {"status": "insured", "when": {"has_insurance": ["1"]}},
        {"status": "unverified", "when": {}},
    ]
}


def facts(*rows):
    return pd.DataFrame(rows, columns=["has_insurance", "sms_outcome", "phone_outcome"], dtype=object)


def test_the_first_desk_rule_that_holds_gives_the_status():
    found = frame.desk_status(
        facts((True, "confirms", "denies_loan"), (True, "reached", None), (True, None, None), (False, "confirms", None),
              (None, None, None)),
        DESK,
    )  # fmt: skip
    assert found.tolist() == ["denied", "confirmed", "insured", "unverified", "unverified"]


def test_a_desk_rule_about_something_unknown_and_a_row_no_rule_fits_are_refused():
    with pytest.raises(GuidelineMissing, match="mood"):
        frame.desk_status(facts((None, None, None)), {"desk_rules": [{"status": "x", "when": {"mood": ["1"]}}]})
    with pytest.raises(GuidelineMissing, match="1 rows no rule fits"):
        frame.desk_status(facts((None, None, None)), {"desk_rules": DESK["desk_rules"][:3]})
