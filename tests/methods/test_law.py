import ast
from pathlib import Path

import pytest
import yaml

from methods.errors import GuidelineMissing, SettingWrong
from methods.period import Period
from tasks.edges import law

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "guidelines").glob("*.yaml"))
OWN = """
parameters:
  minimum_plans_per_county:
    label: کمینه
    unit: plans
    values: [{from: 1403-01-01, value: "3", status: assumed}]
"""


def entries():
    for file in FILES:
        for name, entry in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)["parameters"].items():  # noqa: S506
            yield pytest.param(entry, id=f"{file.stem}.{name}")


@pytest.mark.parametrize("entry", entries())
def test_every_value_is_dated_marked_and_has_its_reference(entry):
    starts = [value["from"] for value in entry["values"]]
    assert starts == sorted(set(starts))
    for value in entry["values"]:
        Period.parse(value["from"][:4])
        assert value["status"] in ("assumed", "in_force")
        assert value["reference"]["text"] and value["reference"]["clause"]
    assert entry["label"] and entry["unit"]


@pytest.mark.parametrize("entry", entries())
def test_every_value_is_used_where_it_says(entry):
    *module, name = entry["used_by"].split(".")
    tree = ast.parse(ROOT.joinpath(*module).with_suffix(".py").read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_a_folder_of_ones_own_goes_before_the_standard_one(tmp_path, monkeypatch):
    (tmp_path / "sampling.yaml").write_text(OWN, encoding="utf-8")
    monkeypatch.setenv("PAYESH_GUIDELINES", f"{tmp_path}:{ROOT / 'guidelines'}")
    section = law.section("sampling", Period(1403))
    assert (section["minimum_plans_per_county"], section["issued_plan_count"]) == (3, 48004)
    # The folder's own law has not begun in 1402, and the standard one does not step in.
    with pytest.raises(GuidelineMissing, match="minimum_plans_per_county"):
        law.section("sampling", Period(1402))["minimum_plans_per_county"]


def test_a_guideline_nobody_wrote_is_named(monkeypatch):
    monkeypatch.setenv("PAYESH_GUIDELINES", str(ROOT / "guidelines"))
    with pytest.raises(SettingWrong, match=r"no taxes\.yaml"):
        law.section("taxes", Period(1403))


def test_a_guideline_that_is_not_yaml_is_named(tmp_path, monkeypatch):
    (tmp_path / "sampling.yaml").write_text("parameters: [", encoding="utf-8")
    monkeypatch.setenv("PAYESH_GUIDELINES", str(tmp_path))
    with pytest.raises(SettingWrong, match=r"sampling\.yaml"):
        law.section("sampling", Period(1403))
