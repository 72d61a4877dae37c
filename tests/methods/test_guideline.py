from decimal import Decimal

import pytest

from methods import guideline
from methods.errors import GuidelineMissing


def document(*dated, kind=None):
    values = [{"from": start, "value": value, "status": "assumed"} for start, value in dated]
    entry = {"label": "کمینه", "values": values} | ({"kind": kind} if kind else {})
    return {"parameters": {"minimum": entry}}


def test_the_newest_value_begun_is_in_force():
    law = document(("1401-01-01", "12"), ("1403-07-01", "20"))
    assert guideline.section("sampling", [law], "1403-01-01")["minimum"] == Decimal(12)
    assert guideline.section("sampling", [law], "1403-07-01")["minimum"] == Decimal(20)


@pytest.mark.parametrize("law", [document(("1404-01-01", "12")), document(("1401-01-01", "12"), ("1402-01-01", None))])
def test_before_its_first_date_and_after_its_repeal_a_value_is_missing_not_zero(law):
    with pytest.raises(GuidelineMissing, match="sampling, minimum"):
        guideline.section("sampling", [law], "1403-01-01")["minimum"]


def test_the_first_folder_that_knows_a_parameter_gives_it():
    section = guideline.section("s", [document(("1401-01-01", "3")), document(("1401-01-01", "12"))], "1403-01-01")
    assert section["minimum"] == 3


def test_the_version_changes_with_any_value():
    versions = {guideline.section("s", [document(("1401-01-01", n))], "1403-01-01").version for n in ("3", "12")}
    assert len(versions) == 2


def test_what_is_only_assumed_is_known_by_its_label():
    assert guideline.section("s", [document(("1401-01-01", "3"))], "1403-01-01").assumed == ("کمینه",)
