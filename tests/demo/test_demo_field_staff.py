import pytest

from demo import field_staff, population, scenario


@pytest.fixture(scope="module", params=["small", "full"])
def rehearsal(request):
    return scenario.load(request.param)


@pytest.fixture(scope="module")
def staff(rehearsal):
    return field_staff.inspectors(rehearsal, 1403)


def test_a_firm_has_staff_for_what_it_says_it_can_take(rehearsal, staff):
    firms = population.firms(rehearsal, 1403).set_index("firm_code")
    places = staff[staff["level"] == "county"].groupby("firm_code")["capacity_count"].agg(["sum", "size", "max"])
    assert (places["sum"] >= firms["capacity_count"]).all()
    assert (places["sum"] < firms["capacity_count"] + places["size"]).all()
    assert places["size"].min() >= 2
    assert places["max"].max() <= field_staff.PLANS_PER_INSPECTOR


def test_every_inspector_sits_in_a_county_of_his_province(staff):
    assert staff["inspector_code"].is_unique
    assert (staff["county"].str[:2] == staff["province"]).all()
    assert set(staff["county"]) <= set(population.counties()["county_code"])
    assert staff.groupby("level")["province"].nunique().to_dict() == {"county": 31, "national": 1, "provincial": 31}


def test_a_plan_that_a_firm_advised_is_left_with_one_tie(rehearsal, staff):
    every = population.plans(rehearsal, 1403)
    ties = field_staff.ties(every, staff, rehearsal, 1403)
    plans = every[every["role"] == "eligible"]
    assert set(ties["tie_kind"]) == {"introduced", "advised", "kin"}
    advised = plans[plans["advising_firm_code"] != ""]
    assert "" not in set(ties["object_code"])
    assert not set(ties["object_code"]) & ({*advised["plan_id"], *advised["national_id"]} - {""})
    # Of two firms of a province, one is always left.
    assert not ties.duplicated("object_code").any()
    province = plans.set_index("plan_id")["province"]
    of_plan = ties[ties["object_kind"] == "plan"]
    home = staff.drop_duplicates("firm_code").set_index("firm_code")["province"]
    assert (of_plan["subject_code"].str.split("-").str[0].map(home) == of_plan["object_code"].map(province)).all()


def test_registries_are_written_in_persian_words_and_digits(tmp_path, rehearsal, staff):
    field_staff.write_inspectors(staff, tmp_path / "staff.csv")
    head, first, *_ = (tmp_path / "staff.csv").read_text(encoding="utf-8").splitlines()
    assert head == "کد بازرس,نام بازرس,کد شرکت,سطح,کد استان,کد شهرستان,ظرفیت,پایان پروانه,نوع طرح"
    assert first.startswith("F001-01,بازرس نمایشی ۱,F001,شهرستان,00,")
