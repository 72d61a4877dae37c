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
    assert eligible.loc[eligible["national_id"] != "", "national_id"].is_unique
    assert eligible["paid_on"].str.startswith("1403/").all()
    assert (eligible["approved_on"] < eligible["paid_on"]).all()
    assert (eligible["loan_paid_rial"] >= 480_000_000).all()
    assert (eligible["loan_approved_rial"] >= eligible["loan_paid_rial"]).all()
    assert (eligible["registered_job_count"] >= 1).all()
    # Each agency's own unit of money must hold the sums exactly.
    assert (eligible[["loan_paid_rial", "loan_approved_rial"]] % 10_000_000 == 0).all(axis=None)


def test_national_ids_carry_the_right_check_digit(plans):
    written = plans.loc[plans["national_id"] != "", "national_id"]
    digits = np.array(written.map(list).tolist()).astype(int)
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
    repeated = plans[plans["role"] == "repeated"]
    assert len(repeated) == round(0.007 * len(eligible))
    known = repeated[repeated["national_id"] != ""]
    twice = known.merge(eligible, on=["national_id", "county", "loan_paid_rial"], suffixes=("", "_first"))
    assert len(twice) == len(known)
    assert (twice["agency_code"] != twice["agency_code_first"]).all()


def test_a_few_plans_have_lost_their_id_and_some_of_them_stand_under_another_agency_too(plans, eligible):
    lost = plans[plans["national_id"] == ""]
    assert set(lost["role"]) == {"eligible", "repeated"}
    assert (lost["role"] == "eligible").sum() == pytest.approx(0.005 * len(eligible), rel=0.35)
    again = lost[lost["role"] == "repeated"]
    assert len(again) >= 5
    # Of each its first registration has an ID, the same county, sum and day of payment, and about the same name.
    first = again.merge(eligible, on=["county", "loan_paid_rial", "paid_on"], suffixes=("", "_first"))
    alike = first[[one.startswith(other) for one, other in
                   zip(first["applicant_name_first"], first["applicant_name"], strict=True)]]  # fmt: skip
    assert alike["plan_id"].nunique() == len(again)
    assert (alike["national_id_first"] != "").all()
    assert (alike["agency_code"] != alike["agency_code_first"]).all()


def test_places_are_invented_inside_a_box_around_the_country_tile_by_tile(plans):
    assert plans["latitude"].between(24, 41).all()
    assert plans["longitude"].between(43, 64).all()
    by_province = plans[plans["role"] == "eligible"].groupby("province")[["latitude", "longitude"]].mean()
    # Gilan lies north of Hormozgan, and Khorasan east of Kurdistan.
    assert by_province.loc["01", "latitude"] > by_province.loc["22", "latitude"]
    assert by_province.loc["09", "longitude"] > by_province.loc["12", "longitude"]


def test_an_agencys_total_is_every_row_it_wrote(plans):
    own = plans[plans["agency_code"] == "P01"]
    found = population.totals(plans, "P01", by_county=True)
    assert found.loc[0, ["province_name", "county_name", "plan_count"]].tolist() == ["", "", len(own)]
    assert found.loc[1:, "plan_count"].sum() == len(own)
    assert found.loc[1:, "loan_paid_rial"].sum() == found.loc[0, "loan_paid_rial"]
    assert len(population.totals(plans, "P03", by_county=False)) == 1


def test_whoever_does_not_answer_an_sms_is_called(rehearsal, plans):
    found = population.desk_contacts(plans, rehearsal, 1403)
    assert found["contact_id"].is_unique
    sms, phone = found[found["channel"] == "sms"], found[found["channel"] == "phone"]
    assert len(sms) == pytest.approx(0.1 * rehearsal.year(1403).eligible_plan_count, rel=0.1)
    plan = ["agency_code", "plan_number"]
    called = sms[sms["outcome"] == "no_answer"].sort_values(plan)[plan]
    assert phone.sort_values(plan)[plan].to_numpy().tolist() == called.to_numpy().tolist()
    assert found["contacted_on"].str.startswith("1404/01/").all()


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
