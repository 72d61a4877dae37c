"""The census of 1395, files nobody here made, pulled like any other source."""

import sqlalchemy as sa

from flows.pull import pull
from tasks.edges import warehouse


def test_the_census_of_1395_adds_up_to_its_published_totals(stack, real, monkeypatch):
    monkeypatch.setenv("PAYESH_CENSUS", str(real / "sci"))
    pull(1395)
    with warehouse.transaction() as connection:
        rows = connection.execute(
            sa.text(
                "select measure, sum(person_count) as total, count(distinct county_code) as counties,"
                " count(distinct province_code) as provinces from staging.census_county group by measure"
            )
        ).all()
        rejected = connection.execute(
            sa.text("select count(*) from staging.rejected_row where year = 1395")
        ).scalar_one()
    assert {row.measure: int(row.total) for row in rows} == {
        "population": 79_926_270,
        "active_15plus": 25_883_606,
        "unemployed_15plus": 3_251_719,
    }
    assert {(row.counties, row.provinces) for row in rows} == {(429, 31)}
    assert rejected == 0


def test_reference_counties_hold_the_census_they_say(stack, real, monkeypatch):
    monkeypatch.setenv("PAYESH_CENSUS", str(real / "sci"))
    pull(1395)
    import pandas as pd

    from tasks.edges.settings import settings

    stated = pd.read_csv(settings().root / "reference" / "counties.csv", dtype=str).query("in_1395 == '1'")
    with warehouse.transaction() as connection:
        found = dict(
            connection.execute(
                sa.text("select county_code, person_count from staging.census_county where measure = 'population'")
            ).all()
        )
    assert {row.code: int(float(row.population_1395)) for row in stated.itertuples()} == found
