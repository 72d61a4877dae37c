import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from methods import revision


def printed(**estimates):
    return pd.DataFrame(
        {
            "indicator": list(estimates), "basis": "counted", "level": "nation", "unit_code": "IR", "domain": "all",
            "estimate": [np.nan if value is None else float(value) for value in estimates.values()], "quality": "exact",
        }
    )  # fmt: skip


def test_an_edition_printed_again_changes_nothing():
    figures = printed(a=1, b=None)
    assert revision.changed(figures, figures).empty


def test_what_changed_is_said_with_how_much():
    found = revision.changed(printed(a=10, b=3), printed(a=12, b=3)).iloc[0]
    assert (found["indicator"], found["before"], found["after"], found["change"]) == ("a", 10, 12, 2)
    assert found["relative_change"] == pytest.approx(0.2)


def test_a_figure_that_came_or_went_is_a_change():
    found = revision.changed(printed(a=1, gone=2), printed(a=1, came=3)).set_index("indicator")
    assert sorted(found.index) == ["came", "gone"]
    assert np.isnan(found.loc["came", "before"])
    assert np.isnan(found.loc["gone", "after"])


def test_a_figure_that_may_no_longer_be_printed_is_a_change():
    after = printed(a=1).assign(quality="withheld")
    assert revision.changed(printed(a=1), after)["quality_after"].tolist() == ["withheld"]


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=8), st.data())
def test_changes_lead_from_the_old_figures_to_the_new(values, data):
    names = [f"i{place}" for place in range(len(values))]
    later = [data.draw(st.sampled_from([value, value + 1.0, value * 2])) for value in values]
    found = revision.changed(
        printed(**dict(zip(names, values, strict=True))), printed(**dict(zip(names, later, strict=True)))
    )
    same = [
        name for name, old, new in zip(names, values, later, strict=True) if np.isclose(old, new, rtol=1e-12, atol=0)
    ]
    assert set(found["indicator"]) == set(names) - set(same)


@pytest.mark.parametrize(
    ("new_data", "guideline", "count", "wanted"),
    [
        (False, "1", 0, ()),
        (True, "1", 3, ("data",)),
        (False, "2", 3, ("method",)),
        (True, "2", 3, ("data", "method")),
        (False, "1", 3, ("error",)),
    ],
)
def test_a_revision_has_its_reason(new_data, guideline, count, wanted):
    assert tuple(revision.reasons(new_data, "1", guideline, count)) == wanted
