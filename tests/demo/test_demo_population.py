import numpy as np
import pytest

from demo import population, scenario


@pytest.fixture(scope="module", params=["small", "full"])
def rehearsal(request):
    return scenario.load(request.param)


@pytest.fixture(scope="module")
def plans(rehearsal):
    return population.plans(rehearsal, 1403)


@pytest.fixture(scope="module")
def eligible(plans):
    return plans[plans["role"] == "eligible"]


def test_every_county_of_the_country_has_enough_eligible_plans(rehearsal, eligible):
    assert len(eligible) == rehearsal.year(1403).eligible_plan_count
    assert eligible["province"].nunique() == 31
    per_county = eligible.groupby("county").size()
    assert len(per_county) == 482
    assert per_county.min() >= rehearsal.least_plans_per_county
    place = population.counties().set_index("county_code")["province_code"]
    assert (eligible["county"].map(place) == eligible["province"]).all()


def test_eligible_plans_are_what_a_frame_takes(eligible):
    assert eligible["plan_id"].is_unique
    assert eligible["national_id"].is_unique
    assert eligible["paid_on"].str.startswith("1403/").all()
    assert (eligible["approved_on"] < eligible["paid_on"]).all()
    assert (eligible["loan_paid_rial"] >= 480_000_000).all()
    assert (eligible["loan_approved_rial"] >= eligible["loan_paid_rial"]).all()
    assert (eligible["registered_job_count"] >= 1).all()
    # Each agency's own unit of money must hold the sums exactly.
    assert (eligible[["loan_paid_rial", "loan_approved_rial"]] % 10_000_000 == 0).all(axis=None)


def test_national_ids_carry_the_right_check_digit(plans):
    digits = np.array(plans["national_id"].map(list).tolist()).astype(int)
    assert digits.shape[1] == 10
    rest = (digits[:, :9] * np.arange(10, 1, -1)).sum(axis=1) % 11
    assert (digits[:, 9] == np.where(rest < 2, rest, 11 - rest)).all()


def test_agencies_have_their_shares(rehearsal, eligible):
    found = eligible["agency_code"].value_counts(normalize=True)
    for code, agency in rehearsal.agencies.items():
        assert found[code] == pytest.approx(agency.share, abs=0.012)


def test_faults_are_about_one_in_a_hundred_and_each_is_what_it_says(plans, eligible):
    rows = {role: part for role, part in plans.groupby("role")}
    faulty = sum(len(rows[fault]) for fault in population.FAULTS)
    assert faulty == pytest.approx(0.01 * len(eligible), rel=0.05)
    place = population.counties().set_index("county_code")["province_code"]
    wrong = rows["county_not_in_province"]
    assert (wrong["county"].map(place) != wrong["province"]).all()
    assert (rows["paid_date_impossible"]["paid_on"] == "1403/13/40").all()
    loans = rows["loan_not_positive"]["loan_paid_rial"]
    assert loans.min() < 0 == loans.max()
    assert (rows["plan_kind_unknown"]["plan_kind"] == "unknown").all()
    assert (rows["plan_number_missing"]["plan_number"] == "").all()


def test_a_repeated_number_stands_below_the_row_it_repeats(plans):
    last = {plan: place for place, plan in enumerate(plans["plan_id"])}
    first = plans.reset_index().drop_duplicates("plan_id").set_index("plan_id")
    repeated = plans[plans["role"] == "plan_number_repeated"]
    for place, plan in repeated["plan_id"].items():
        assert first.loc[plan, "role"] == "eligible"
        assert first.loc[plan, "index"] < place == last[plan]


def test_some_people_are_registered_by_two_agencies(plans, eligible):
    twice = plans[plans["role"] == "repeated"].merge(
        eligible, on=["national_id", "county", "loan_paid_rial"], suffixes=("", "_first")
    )
    assert len(twice) == round(0.007 * len(eligible))
    assert (twice["agency_code"] != twice["agency_code_first"]).all()


def test_ineligible_plans_were_paid_the_year_before(plans):
    assert plans.loc[plans["role"] == "ineligible", "paid_on"].str.startswith("1402/").all()


def test_firms_cover_every_province_and_can_carry_the_sample(rehearsal):
    firms = population.firms(rehearsal, 1403)
    assert len(firms) == 120
    assert firms["firm_code"].is_unique
    assert firms["province"].value_counts().min() >= 2
    assert firms["province"].nunique() == 31
    assert firms["capacity_count"].sum() > rehearsal.year(1403).supervised_plan_count


def test_advising_firms_are_of_the_plans_province(rehearsal, eligible):
    province = population.firms(rehearsal, 1403).set_index("firm_code")["province"]
    advised = eligible[eligible["advising_firm_code"] != ""]
    assert len(advised) > 0.1 * len(eligible)
    assert (advised["advising_firm_code"].map(province) == advised["province"]).all()


def test_years_differ_and_the_same_year_does_not():
    rehearsal = scenario.load("small")
    assert population.plans(rehearsal, 1403).equals(population.plans(rehearsal, 1403))
    assert len(population.plans(rehearsal, 1402)) != len(population.plans(rehearsal, 1403))


def test_days_are_written_as_the_calendar_has_them():
    # 186 days are the six months of 31; the 365th day is Esfand 29.
    days = np.array([0, 30, 31, 185, 186, 364, -1])
    assert population.jalali_text(1403, days).tolist() == [
        "1403/01/01", "1403/01/31", "1403/02/01", "1403/06/31", "1403/07/01", "1403/12/29", "1402/12/29",
    ]  # fmt: skip
