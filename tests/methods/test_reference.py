import csv
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "reference"


def rows(name):
    with (REFERENCE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_province_has_a_tile_of_its_own():
    tiles = {(row["tile_row"], row["tile_column"]) for row in rows("provinces.csv")}
    assert len(rows("provinces.csv")) == len(tiles) == 31


def test_each_county_lies_in_a_province_and_carries_its_code():
    provinces = {row["code"] for row in rows("provinces.csv")}
    counties = rows("counties.csv")
    now = [row for row in counties if row["in_1402"] == "1"]
    assert (len(now), len({row["code"] for row in now})) == (482, 482)
    assert all(row["province_code"] in provinces and row["code"][:2] == row["province_code"] for row in counties)
