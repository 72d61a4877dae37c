"""Places as agencies write them: which one a name or a code means, in the list of its year."""

from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from methods import geography, persian

ROOT = Path(__file__).parents[2]
KEY = partial(geography.place_key, key=persian.name_key)
PROVINCES = pd.read_csv(ROOT / "reference" / "provinces.csv", dtype=str).rename(columns={"code": "province_code"})
COUNTIES = pd.read_csv(ROOT / "reference" / "counties.csv", dtype=str, keep_default_na=False).rename(
    columns={"code": "county_code"}
)
for year in geography.LISTS:
    COUNTIES[f"is_in_{year}"] = COUNTIES[f"in_{year}"] == "1"


def known(year=1403):
    return geography.places(PROVINCES, COUNTIES, year, KEY)


def province(text):
    return geography.read_provinces([text], known(), KEY, lambda _, names: names[0])["value"].iloc[0]


def county(text, year=1403):
    row = geography.read_counties([text], known(year), KEY, lambda _, names: names[0]).iloc[0]
    return row["value"] if row["value"] is not None else row["reason_code"]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("کهگیلویه و بویراحمد", "17"), ("کهکیلویه و بویر احمد", "17"), ("چهارمحال بختیاری", "14"),
        ("چهار محال و بختياري", "14"), ("اذربایجان شرقی", "03"), ("استان تهران", "23"), ("استان‌ تهران", "23"),
        ("تهران", "23"), ("07", "07"), ("7", "07"), ("۰۷", "07"), ("0", "00"), ("استان", None), ("تهرانن", None),
    ],
)  # fmt: skip
def test_a_province_is_known_by_what_it_is_usually_called(written, code):
    assert province(written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("شهرستان شیراز / استان فارس", "0707"), ("شیراز / فارس", "0707"), ("0707", "0707"), ("707", "0707"),
        ("استانه اشرفیه / گیلان", "0102"), ("آستانه اشرفیه / گیلان", "0102"), ("ابادان / خوزستان", "0601"),
        ("شیراز / تهران", "county_not_in_province"), ("شیرازز / فارس", "county_unknown"),
    ],
)  # fmt: skip
def test_a_county_is_known_by_what_it_is_usually_called(written, code):
    assert county(written) == code


def test_a_name_that_went_to_another_county_means_that_of_its_year():
    # 1108 was called سرباز until it became راسک.
    former, now = county("سرباز / سیستان و بلوچستان", 1395), county("سرباز / سیستان و بلوچستان", 1403)
    assert former == "1108"
    assert now != "1108"
    assert county("راسک / سیستان و بلوچستان", 1403) == "1108"


@pytest.mark.parametrize("year", [1395, 1399, 1403])
def test_every_listed_place_means_itself(year):
    listed = COUNTIES[COUNTIES[f"is_in_{min(geography.LISTS, key=lambda one: abs(one - year))}"]]
    names = PROVINCES.set_index("province_code")["name_fa"]
    pairs = (listed["name_fa"] + geography.PAIR + listed["province_code"].map(names)).tolist()
    read = geography.read_counties(pairs, known(year), KEY, lambda _, names: "")
    assert read["value"].tolist() == listed["county_code"].tolist()
    assert geography.read_provinces(names.tolist(), known(), KEY, lambda _, names: "")["value"].tolist() == list(
        names.index
    )
