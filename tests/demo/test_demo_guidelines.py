"""The counts of a rehearsal are those its guideline draws."""

from pathlib import Path

import pytest
import yaml

from demo import scenario
from methods import guideline

ROOT = Path(__file__).resolve().parents[2]
STANDARD = ROOT / "guidelines" / "sampling.yaml"
SMALL = scenario.FOLDER / "small" / "guidelines" / "sampling.yaml"
FILES = {"full": [STANDARD], "small": [SMALL, STANDARD]}


@pytest.mark.parametrize("scale", ["full", "small"])
@pytest.mark.parametrize("year", [1401, 1402, 1403, 1404])
def test_a_rehearsal_supervises_what_its_guideline_issues(scale, year):
    documents = [yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader) for file in FILES[scale]]
    rules = guideline.section("sampling", documents, f"{year}-01-01")
    rehearsal = scenario.load(scale)
    size = rehearsal.year(year)
    assert rules["issued_plan_count"] == size.supervised_plan_count
    # A proportional draw must reach the least plans of every county by itself.
    expected = rehearsal.least_plans_per_county * size.supervised_plan_count / size.eligible_plan_count
    assert expected > float(rules["minimum_plans_per_county"])


def test_the_small_guideline_changes_only_what_the_standard_one_knows():
    small, standard = (yaml.safe_load(file.read_text("utf-8"))["parameters"] for file in FILES["small"])
    for name, entry in small.items():
        assert {key: entry[key] for key in ("label", "unit")} == {key: standard[name][key] for key in ("label", "unit")}
