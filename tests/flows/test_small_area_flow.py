"""Small areas of the small rehearsal, as they stand in the warehouse."""

import datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from methods.period import Period
from tasks.edges import figures, warehouse
from tasks.small_area import REASONS_FA, estimate_small_areas

RATES = ["accuracy_rate", "crude_confirmation_rate"]


def rows_of(statement):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement))
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


@pytest.fixture(scope="module")
def areas(rehearsed):
    return rows_of("select * from estimate.small_area where year = 1403 and phase = 1 order by indicator, county_code")


def test_every_county_of_the_frame_has_a_row_a_rate_that_says_how_and_why(areas):
    assert areas.groupby("indicator").size().to_dict() == dict.fromkeys(RATES, 482)
    assert set(areas["published_method"]) <= {"direct", "model", "withheld"}
    assert (areas["reason_fa"] == areas["reason_code"].map(REASONS_FA)).all()
    assert (areas["published"].isna() == (areas["published_method"] == "withheld")).all()
    assert (areas["published_method"] == "model").any()


def test_counties_reproduce_the_direct_share_of_their_province(areas):
    weighed = areas.assign(whole=areas["benchmarked"] * areas["denominator"])
    sums = weighed.groupby(["indicator", "province_code"])[["whole", "denominator"]].sum()
    printed = figures.read(1403, level="province").query("basis == 'estimated' and domain == 'all'")
    direct = printed.set_index(["indicator", "unit_code"])["estimate"].reindex(sums.index)
    assert len(direct) == 62
    assert np.abs(sums["whole"] / sums["denominator"] - direct).max() < 1e-12


def test_the_direct_share_is_the_one_that_figures_print(areas):
    printed = figures.read(1403, level="county").query("basis == 'estimated' and domain == 'all'")
    columns = {"direct": "estimate", "direct_lower": "lower", "direct_upper": "upper", "n": "n"}
    both = areas.merge(printed, left_on=["indicator", "county_code"], right_on=["indicator", "unit_code"])
    assert len(both) == 964
    for own, other in columns.items():
        left = both[f"{own}_x" if own == other else own]
        right = both[f"{other}_y" if f"{other}_y" in both else other]
        pd.testing.assert_series_equal(left.astype(float), right.astype(float), check_names=False)


def test_the_census_of_1395_stands_in_the_reference(areas):
    known = rows_of(
        "select count(*) as counties, sum(population_count) as people, sum(unemployed_person_count) as unemployed"
        " from reference.county where population_count is not null"
    ).iloc[0]
    assert known.astype(int).to_dict() == {"counties": 429, "people": 79_926_270, "unemployed": 3_251_719}
    terms = rows_of("select distinct term from estimate.small_area_term where year = 1403")["term"]
    assert {"beta log_population", "beta unemployment_share", "beta uncounted", "design_effect"} <= set(terms)


def test_estimating_again_changes_nothing(areas):
    cutoff = areas["cutoff"].iloc[0]
    assert isinstance(cutoff, datetime.date)
    estimate_small_areas(Period(1403), cutoff)
    again = rows_of("select * from estimate.small_area where year = 1403 and phase = 1 order by indicator, county_code")
    pd.testing.assert_frame_equal(areas, again, check_exact=True)
