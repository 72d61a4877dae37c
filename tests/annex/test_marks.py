"""What may not be published is in no figure, neither as itself nor as a part of another."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_figures import at, edition, figures_of

from methods.errors import FiguresUnfit
from tasks.edges.annex import codes as code_lists
from tasks.edges.annex import marks

NUMBERS = [*marks.VALUES, "n"]
FIGURES = figures_of()


CODES = code_lists.read(edition(), FIGURES["domain"].unique(), FIGURES["unit_code"].unique())


def blanked(figures, kind="final"):
    return marks.blank(figures, CODES, edition(kind))


def one(rows, *key, **where):
    return rows[at(rows, *key, **where)].iloc[0]


def suppressed(*keys):
    hidden = np.zeros(len(FIGURES), dtype=bool)
    for key in keys:
        hidden |= at(FIGURES, *key)
    return FIGURES.assign(is_suppressed=hidden)


def changed(where, **values):
    figures = FIGURES.copy()
    for column, value in values.items():
        figures.loc[where, column] = value
    return figures


def test_a_suppressed_figure_keeps_its_key_and_nothing_else():
    found = one(blanked(suppressed(("accuracy_rate",))), "accuracy_rate")
    assert found[[*NUMBERS, "exclusions"]].isna().all()
    assert (found["mark"], found["quality"]) == ("c", "confidential")


def test_a_withheld_figure_is_marked_weak():
    where = at(FIGURES, "accuracy_rate", basis="estimated")
    found = one(blanked(changed(where, quality="withheld")), "accuracy_rate", basis="estimated")
    assert found[NUMBERS].isna().all()
    assert (found["mark"], found["quality"]) == ("u", "withheld")


def test_confidential_outweighs_weak():
    where = at(FIGURES, "accuracy_rate", basis="estimated")
    figures = changed(where, quality="withheld").assign(is_suppressed=where)
    assert one(blanked(figures), "accuracy_rate", basis="estimated")["mark"] == "c"


def test_nothing_of_nothing_does_not_apply_and_what_is_lacking_is_missing():
    where = at(FIGURES, "accuracy_rate")
    nothing = changed(where, quality="undefined", estimate=np.nan, numerator=0, denominator=0)
    assert one(blanked(nothing), "accuracy_rate")["mark"] == "z"
    assert one(blanked(nothing), "accuracy_rate")["denominator"] == 0
    lacking = changed(where, quality="undefined", estimate=np.nan, numerator=np.nan, denominator=np.nan)
    assert one(blanked(lacking), "accuracy_rate")["mark"] == "x"


@pytest.mark.parametrize(
    ("kind", "is_revised", "mark"),
    [("provisional", False, "p"), ("final", False, ""), ("revised", True, "r"), ("provisional", True, "p r")],
)
def test_a_published_figure_says_whether_it_is_provisional_or_revised(kind, is_revised, mark):
    found = blanked(FIGURES.assign(is_revised=is_revised), kind)
    assert set(found["mark"]) == {mark}
    assert marks.signs([mark])[0] == mark.replace("p", "[p]").replace("r", "[r]")


def test_the_count_of_violations_worked_by_hand():
    # Confidential in Khuzestan. The violation rate times decided gives it back; so the rate goes as well.
    rows = blanked(suppressed(("violation_plan_count",)))
    here = rows[rows["unit_code"].eq("06") & rows["domain"].eq("all")].set_index(["indicator", "basis"])
    assert here.index[here["mark"] == "c"].tolist() == [
        ("violation_plan_count", "counted"),
        ("violation_rate", "counted"),
    ]
    # Nothing else rests on violations, so all else stays.
    assert rows["mark"].eq("c").sum() == 2
    assert here.loc[("violation_rate", "estimated"), NUMBERS].notna().all()


def test_the_count_of_pending_plans_is_not_told_by_exclusions():
    rows = blanked(suppressed(("pending_plan_count",)))
    told = json.loads(one(rows, "accuracy_rate")["exclusions"])
    assert told["pending"] is None
    assert told["non_contact"] > 0
    assert one(rows, "accuracy_rate")["mark"] == ""
    elsewhere = json.loads(one(rows, "accuracy_rate", unit="00")["exclusions"])
    assert elsewhere["pending"] > 0


def test_the_count_of_decided_plans_is_not_told_by_an_n():
    rows = blanked(suppressed(("decided_plan_count",)))
    # It divides the accuracy rate, which goes; it is the n of the jobs found, which stay.
    assert one(rows, "accuracy_rate")["mark"] == "c"
    jobs = one(rows, "realised_job_count")
    assert (jobs["mark"], pd.isna(jobs["n"])) == ("", True)
    assert jobs["estimate"] > 0


def test_a_weak_total_is_not_told_by_the_rate_it_divides_but_the_rate_stands():
    where = at(FIGURES, "deviation_plan_count", basis="estimated")
    rows = blanked(changed(where, quality="withheld"))
    rate = one(rows, "deviation_rate", basis="estimated")
    assert (rate["mark"], pd.isna(rate["numerator"])) == ("", True)
    assert rate[["estimate", "denominator", "lower"]].notna().all()
    assert one(rows, "deviation_rate")["numerator"] > 0


def numbers_told(rows):
    told = rows[NUMBERS].to_numpy(dtype=float, na_value=np.nan).ravel()
    counts = [count for text in rows["exclusions"].dropna() for count in json.loads(text).values() if count is not None]
    return set(told[~np.isnan(told)]) | set(map(float, counts))


@settings(max_examples=30)
@given(st.sets(st.integers(0, len(FIGURES) - 1), max_size=40), st.sets(st.integers(0, len(FIGURES) - 1), max_size=40))
def test_no_number_of_a_hidden_figure_is_told_anywhere(confidential, weak):
    # Each variable of each cell is a number no other has.
    place = np.arange(len(FIGURES))
    hidden = np.isin(place, list(confidential))
    quality = FIGURES["quality"].mask(np.isin(place, list(weak)), "withheld")
    rows = blanked(FIGURES.assign(is_suppressed=hidden, quality=quality))
    told = numbers_told(rows)
    gone = FIGURES[hidden | quality.eq("withheld")]
    values = gone[["estimate", "standard_error", "lower", "upper"]].to_numpy(dtype=float).ravel()
    assert not set(values[~np.isnan(values)]) & told
    # Nor can a confidential number be had from a rate and its other part.
    secret = set(gone.loc[hidden[gone.index] & gone["denominator"].isna().to_numpy(), "estimate"])
    products = (rows["estimate"] * rows["denominator"]).dropna().round(6)
    assert not {round(number, 6) for number in secret} & set(products)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(seed):
    shuffled = FIGURES.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(blanked(shuffled), blanked(FIGURES))


def test_exclusions_are_read_as_dicts_and_as_text():
    dicts = FIGURES.assign(exclusions=[json.loads(text) for text in FIGURES["exclusions"]])
    pd.testing.assert_frame_equal(blanked(dicts), blanked(FIGURES))


@pytest.mark.parametrize("form", [json.dumps, dict])
def test_a_count_that_is_confidential_already_stays_so_and_the_rest_of_its_figure_is_told(form):
    where = at(FIGURES, "accuracy_rate")
    counts = json.loads(FIGURES.loc[where, "exclusions"].item())
    told = FIGURES["exclusions"].map(json.loads).map(form).mask(where, form(counts | {"pending": None}))
    found = one(blanked(FIGURES.assign(exclusions=told)), "accuracy_rate")
    assert json.loads(found["exclusions"]) == counts | {"pending": None}
    assert (found["mark"], found["numerator"] > 0) == ("", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: pd.concat([rows, rows.head(1)]), "stand twice"),
        (lambda rows: rows.assign(phase=2), "other edition"),
        (lambda rows: rows.assign(estimate=np.inf), "not finite"),
        (lambda rows: rows.replace({"indicator": {"accuracy_rate": "happiness"}}), "unknown indicator happiness"),
        (lambda rows: rows.replace({"unit_code": {"06": "99"}}), "unknown unit_code 99"),
        (lambda rows: rows.drop(columns="upper"), "no column upper"),
        (lambda rows: rows.assign(exclusions="[1]"), "exclusions"),
        (lambda rows: rows.assign(is_suppressed=None), "is_suppressed without a value"),
    ],
)
def test_figures_that_are_wrong_are_refused_by_name(change, said):
    with pytest.raises(FiguresUnfit, match=said):
        blanked(change(FIGURES))


@pytest.mark.parametrize(("domain", "unit"), [("colour=blue", "06"), ("sex", "06"), ("all", "99")])
def test_codes_that_no_reference_holds_are_refused_by_name(domain, unit):
    with pytest.raises(FiguresUnfit, match=unit if domain == "all" else domain):
        code_lists.read(edition(), [domain], [unit])
