"""The frame from deliveries: plans without a national ID, the clerk's answer, the desk, and what agencies declare."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from flows.pull import pull
from methods import frame as method
from methods.errors import FrameMismatch, GateRefused, SourceFailed
from methods.period import Period
from tasks import frame
from tasks.edges import deliveries, law, linkage, review, sources, warehouse
from tasks.gates import pass_gate

ROOT = Path(__file__).parents[2]
YEAR = 1405
PERIOD = Period(YEAR)
HEADERS = {
    "plan_number": "شماره", "national_id": "کد ملی", "applicant_name": "نام", "province": "استان", "county": "شهرستان",
    "budget_note": "تبصره", "activity_code": "فعالیت", "plan_kind": "نوع", "approved_on": "تصویب", "paid_on": "پرداخت",
    "loan_approved_rial": "مصوب", "loan_paid_rial": "پرداختی", "job_commitment_count": "تعهد",
    "registered_job_count": "ثبت", "latitude": "عرض", "longitude": "طول",
}  # fmt: skip
NAMES = [f"{given} {family}" for given in ("علی", "زهرا", "مریم", "حسین", "رضا") for family in
         ("کرمانی", "شیرازی", "تهرانی", "گیلانی", "سمنانی", "یزدی", "قمی", "اهوازی")]  # fmt: skip
COUNTIES = ["0101", "0102", "0001", "0002", "2301", "2302", "0701", "0702"]


def national_id(number):
    nine = f"{100_000_000 + 7919 * number:09d}"
    rest = sum(int(digit) * weight for digit, weight in zip(nine, range(10, 1, -1), strict=True)) % 11
    return nine + str(rest if rest < 2 else 11 - rest)


def plan(number, **changed):
    row = {
        "plan_number": str(number), "national_id": national_id(number), "applicant_name": NAMES[number % len(NAMES)],
        "province": COUNTIES[number % 8][:2], "county": COUNTIES[number % 8], "budget_note": "15",
        "activity_code": ("0111", "1071", "4711", "9602")[number % 4], "plan_kind": "enterprise",
        "approved_on": f"{YEAR}/{1 + number % 6:02d}/{1 + number * 7 % 28:02d}",
        "paid_on": f"{YEAR}/{7 + number % 5:02d}/{1 + number * 5 % 28:02d}",
        "loan_approved_rial": 500_000_000 + number * 10_000_000, "loan_paid_rial": 500_000_000 + number * 10_000_000,
        "job_commitment_count": 2, "registered_job_count": 2, "latitude": "", "longitude": "",
    }  # fmt: skip
    return row | changed


class Agencies:
    def __init__(self, home, folder):
        self.home, self.folder = home, folder
        for agency in ("A1", "A2"):
            self.say(agency, "loan_plan", HEADERS)
        shutil.copy(ROOT / "sources" / "REVIEW.yaml", folder)

    def say(self, code, form, headers, **more):
        said = {
            "code": code, "agency_code": code.partition("_")[0], "agency_name": code, "form": form,
            "years": {"from": YEAR, "to": YEAR}, "columns": headers,
            "pull": {"kind": "file", "address": f"{{inbox}}/{code}/{{year}}.csv"},
        }  # fmt: skip
        (self.folder / f"{code}.yaml").write_text(yaml.safe_dump(said | more, allow_unicode=True), encoding="utf-8")

    def deliver(self, code, rows, headers=HEADERS):
        path = self.home / "inbox" / code / f"{YEAR}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows)[list(headers)].rename(columns=headers).to_csv(path, index=False)

    def also(self, code, form, rows):
        headers = {name: name for name in rows[0]}
        self.say(code, form, headers, is_optional=True)
        self.deliver(code, rows, headers)


def rows_of(statement):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement))
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def eligible():
    return rows_of(f"select * from frame.eligible_plan where year = {YEAR}").set_index("plan_id")


def excluded():
    return rows_of(f"select * from frame.excluded_plan where year = {YEAR}").set_index("plan_id")


def pairs():
    found = rows_of(f"select * from frame.linked_pair where year = {YEAR} order by plan_id_left, plan_id_right")
    return found.set_index(["plan_id_left", "plan_id_right"])


@pytest.fixture
def agencies(stack, tmp_path, monkeypatch):
    monkeypatch.setenv("PAYESH_SOURCES", str(tmp_path))
    yield Agencies(stack.home, tmp_path)
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from landing.delivery where year = :year"), {"year": YEAR})
        for table in (
            "loan_plan",
            "linkage_review",
            "desk_contact",
            "agency_total",
            "insurance_record",
            "rejected_row",
        ):
            connection.execute(sa.text(f"delete from staging.{table} where year = :year"), {"year": YEAR})
    shutil.rmtree(stack.home / "inbox" / "REVIEW", ignore_errors=True)
    for code in ("A1", "A2", "A1_TOTAL", "A2_TOTAL", "DESK_X", "SSO"):
        shutil.rmtree(stack.home / "inbox" / code, ignore_errors=True)


MANY = [plan(number) for number in range(1, 41)]
# Under A2: plan 3 as it is; plan 5 with its name cut short; plan 7 so, with other dates,
# a case for a clerk; and somebody nobody else knows.
UNKNOWN = [
    plan(3, plan_number="903", national_id=""),
    plan(5, plan_number="905", national_id="", applicant_name=NAMES[5][:-1]),
    plan(7, plan_number="907", national_id="", applicant_name=NAMES[7][:-1], paid_on=f"{YEAR}/11/29",
         approved_on=f"{YEAR}/03/15"),
    plan(60, plan_number="960", national_id="", applicant_name="ناشناس", county="0103", province="01"),
]  # fmt: skip


def test_a_plan_without_an_id_is_found_again_under_another_agency(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN)
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    found = pairs()
    assert found.loc[("A1-3", "A2-903"), "decision"] == "linked"
    assert found.loc[("A1-5", "A2-905"), "decision"] == "linked"
    assert found.loc[("A1-7", "A2-907"), "decision"] == "review"
    assert found.loc[("A1-5", "A2-905"), "comparison_levels"]["name"] == "near"
    assert (found["decided_by"] == "rule").all()
    assert excluded()[["reason_code", "kept_plan_id"]].to_dict("index") == {
        "A2-903": {"reason_code": "overlap", "kept_plan_id": "A1-3"},
        "A2-905": {"reason_code": "overlap", "kept_plan_id": "A1-5"},
    }
    # Until a clerk decides, a pair in doubt stays two plans.
    assert {"A1-7", "A2-907", "A2-960"} <= set(eligible().index)
    assert len(eligible()) == 42


def test_the_rehearsal_finds_every_plan_that_stands_twice_and_no_other(rehearsed):
    from demo import population, scenario

    plans = population.plans(scenario.load("small"), 1403)
    twice = set(plans.loc[(plans["role"] == "repeated") & (plans["national_id"] == ""), "plan_id"])
    found = rows_of("select * from frame.linked_pair where year = 1403 and decision = 'linked'")
    assert len(found) == len(twice) > 5
    assert {plan for pair in ("plan_id_left", "plan_id_right") for plan in found[pair]} >= twice
    # What two agencies write of plans with an ID has taught how they write the others.
    model = rows_of("select * from frame.linkage_model where year = 1403")
    assert set(model["m_basis"]) == {"learned"}
    wanted = method.match_weights(
        pd.DataFrame(found["comparison_levels"].tolist()), model, model["prior_probability"].iloc[0]
    )
    assert found["match_weight"].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-6)


def test_the_score_is_that_of_fellegi_and_sunter_over_the_kept_model(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN)
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    found = pairs()
    model = rows_of(f"select * from frame.linkage_model where year = {YEAR}")
    # Nobody has plans with an ID under both agencies, so nothing is learned but how often strangers agree.
    assert set(model["m_basis"]) == {"assumed"}
    assert model["prior_probability"].iloc[0] == 1 / (40 * 39 / 2)
    levels = pd.DataFrame(found["comparison_levels"].tolist(), index=found.index)
    wanted = method.match_weights(levels, model, model["prior_probability"].iloc[0])
    assert found["match_weight"].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-6)
    assert found["match_probability"].to_numpy() == pytest.approx(1 / (1 + 2 ** -wanted.to_numpy()), abs=1e-6)


def test_a_second_run_gives_the_same_pairs_bit_for_bit(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN)
    pull(YEAR)
    once = frame.assemble_frame.fn(PERIOD), pairs(), rows_of("select * from frame.linkage_model order by 1, 2, 3, 4")
    again = frame.assemble_frame.fn(PERIOD), pairs(), rows_of("select * from frame.linkage_model order by 1, 2, 3, 4")
    assert once[0] == again[0]
    for first, second in zip(once[1:], again[1:], strict=True):
        pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert rows_of("select 1 from pg_namespace where nspname like 'linkage%'").empty


def test_the_clerks_answer_comes_back_as_a_delivery(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN)
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    frame.hand_out_review.fn(PERIOD)
    path = agencies.home / "outbox" / str(PERIOD) / "linkage_review.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book[review.PAIRS_SHEET]
    assert sheet.sheet_view.rightToLeft
    header = [cell.value for cell in sheet[1]]
    assert header == list(review.headers().values())
    row = dict(zip(header, [cell.value for cell in sheet[2]], strict=True))
    assert (row["شناسهٔ طرح نخست"], row["شناسهٔ طرح دوم"], row["تصمیم"]) == ("A1-7", "A2-907", None)
    assert (row["نام متقاضی نخست"], row["نام متقاضی دوم"]) == (NAMES[7], NAMES[7][:-1])
    assert row["مبلغ پرداختی (ریال) نخست"] == row["مبلغ پرداختی (ریال) دوم"] == 570_000_000
    assert row["تاریخ پرداخت دوم"] == "۲۹ بهمن ۱۴۰۵"
    (choice,) = sheet.data_validations.dataValidation
    assert choice.formula1 == '"یک طرح است,دو طرح جداست"'

    sheet.cell(row=2, column=header.index("تصمیم") + 1, value="یک طرح است")
    back = agencies.home / "inbox" / "REVIEW" / str(PERIOD) / "linkage_review.xlsx"
    back.parent.mkdir(parents=True)
    book.save(back)
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    settled = pairs().loc[("A1-7", "A2-907")]
    assert (settled["decision"], settled["decided_by"]) == ("linked", "clerk")
    assert excluded().loc["A2-907", "kept_plan_id"] == "A1-7"
    frame.hand_out_review.fn(PERIOD)
    assert not path.exists()


def test_more_pairs_in_doubt_than_the_guideline_lets_stop_the_flow_before_the_draw(agencies, monkeypatch, tmp_path):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN)
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    frame.verify_at_desk.fn(PERIOD)
    frame.measure_coverage.fn(PERIOD)
    pass_gate.fn("frame", PERIOD)
    strict = yaml.safe_load((ROOT / "guidelines" / "frame.yaml").read_text(encoding="utf-8"))["parameters"]
    strict = {"most_pairs_in_review": strict["most_pairs_in_review"]}
    strict["most_pairs_in_review"]["values"][0] |= {"from": "1401-01-01", "value": "0"}
    (tmp_path / "strict").mkdir()
    (tmp_path / "strict" / "frame.yaml").write_text(yaml.safe_dump({"title": "x", "parameters": strict}))
    monkeypatch.setenv("PAYESH_GUIDELINES", f"{tmp_path / 'strict'}{os.pathsep}{os.environ['PAYESH_GUIDELINES']}")
    with pytest.raises(GateRefused, match="wait for a clerk"):
        pass_gate.fn("frame", PERIOD)


def test_the_headers_of_the_clerks_list_are_those_its_source_reads():
    source = sources.load(ROOT / "sources" / "REVIEW.yaml")
    assert {*source.columns.values(), *source.ignored_columns} == set(review.headers().values())
    assert source.read.sheet == review.PAIRS_SHEET


def test_a_review_that_has_not_come_back_stops_nothing(agencies):
    source = sources.load_all()["REVIEW"]
    assert deliveries.is_awaited(source, PERIOD)
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN[:1])
    pull(YEAR)
    # An agency's own list is no such thing.
    (agencies.home / "inbox" / "A2" / f"{YEAR}.csv").unlink()
    with pytest.raises(SourceFailed, match="source A2"):
        pull(YEAR)


def test_two_people_without_an_id_are_not_one(agencies):
    # Everything else differs, and nothing about an empty ID is common.
    agencies.deliver("A1", [*MANY, plan(71, national_id="", loan_paid_rial=570_000_000, loan_approved_rial=570_000_000,
                                        county="0102", province="01")])  # fmt: skip
    agencies.deliver("A2", [plan(82, national_id="", loan_paid_rial=570_000_000, loan_approved_rial=570_000_000,
                                 county="0102", province="01")])  # fmt: skip
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    assert excluded().empty
    assert eligible().loc[["A1-71", "A2-82"], "national_id"].isna().all()


def test_two_equal_plans_of_one_agency_are_two_and_another_agency_repeats_the_first(agencies):
    second = plan(3, plan_number="303", approved_on=f"{YEAR}/06/30")
    agencies.deliver("A1", [*MANY, second])
    agencies.deliver("A2", [plan(3, plan_number="903", approved_on=f"{YEAR}/06/31")])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    assert {"A1-3", "A1-303"} <= set(eligible().index)
    assert excluded()["kept_plan_id"].to_dict() == {"A2-903": "A1-3"}


def test_the_earliest_approval_keeps_the_plan_and_the_id_that_any_agency_knew(agencies):
    early = plan(3, plan_number="903", national_id="", approved_on=f"{YEAR}/04/20")
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [early])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    assert excluded().loc["A1-3", "kept_plan_id"] == "A2-903"
    assert eligible().loc["A2-903", "national_id"] == national_id(3)


def test_an_id_that_is_wrong_is_given_back_and_an_empty_one_is_not(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [*UNKNOWN, *(plan(number) for number in range(61, 70)), plan(99, national_id="1234567890")])
    pull(YEAR)
    given_back = rows_of(f"select reason_code, found from staging.rejected_row where year = {YEAR}")
    assert given_back.to_dict("records") == [{"reason_code": "national_id_invalid", "found": "1234567890"}]


def test_nobody_without_an_id_costs_no_splink(agencies, monkeypatch):
    def forbidden(*_):
        raise AssertionError("splink was asked")

    monkeypatch.setattr(linkage, "_api", forbidden)
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [plan(3, plan_number="903"), plan(80)])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    assert excluded()["kept_plan_id"].to_dict() == {"A2-903": "A1-3"}
    asked = "import sys, tasks.frame; sys.exit('splink' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True, cwd=ROOT)


def test_each_rule_leaves_out_what_it_says(agencies):
    agencies.deliver("A1", [*MANY, plan(50, budget_note="18"), plan(51, loan_paid_rial=9_999_999),
                            plan(52, paid_on=f"{YEAR - 1}/12/29"), plan(53, budget_note="")])  # fmt: skip
    agencies.deliver("A2", [plan(54)])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    assert excluded()["reason_code"].to_dict() == {
        "A1-50": "budget_note_not_covered", "A1-51": "loan_below_minimum", "A1-52": "paid_outside_year",
    }  # fmt: skip
    rules = law.section("frame", PERIOD)
    assert set(excluded()["reason_code"]) <= set(method.reason_labels(rules))


def test_what_the_frame_keeps_of_a_plan(agencies):
    agencies.deliver("A1", [*MANY, plan(55, latitude="35.69439", longitude="51.42151")])
    agencies.deliver("A2", [plan(56)])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    found = eligible().loc["A1-55"]
    assert (found["latitude"], found["longitude"]) == (35.69439, 51.42151)
    assert (found["national_id"], found["budget_note"], found["job_commitment_count"]) == (national_id(55), "15", 2)
    assert (found["loan_approved_rial"], found["activity_code"]) == (1_050_000_000, "9602")
    assert found["applicant_name_key"] and found["approved_on"] < found["paid_on"]


def test_a_county_that_changed_province_is_refused_with_both(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [plan(56)])
    pull(YEAR)
    # The list of counties moved 0102 after the plans were read.
    with warehouse.transaction() as connection:
        connection.execute(sa.text("update reference.county set province_code = '23' where county_code = '0102'"))
    try:
        with pytest.raises(FrameMismatch) as refusal:
            frame.assemble_frame.fn(PERIOD)
    finally:
        with warehouse.transaction() as connection:
            connection.execute(sa.text("update reference.county set province_code = '01' where county_code = '0102'"))
    message = str(refusal.value)
    assert "county 0102" in message and "frame 1405-1, delivery A1-1405-1" in message
    assert "plans in province 01 (گیلان)" in message
    assert "wanted province 23 (تهران)" in message


def test_a_row_that_names_the_old_province_is_given_back_with_both(agencies):
    moved = plan(57, province="21", county="طبس")
    agencies.deliver("A1", [*MANY, moved])
    agencies.deliver("A2", [plan(56)])
    pull(YEAR)
    (row,) = rows_of(f"select * from staging.rejected_row where year = {YEAR}").to_dict("records")
    assert (row["reason_code"], row["found"]) == ("county_not_in_province", "طبس / 21")


def test_the_desk_says_what_insurance_sms_and_phone_found(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", UNKNOWN)
    contacts = [
        ("1", "A1-1", "", "", "sms", f"{YEAR}/12/01", "confirms"),
        ("2", "", "A1", "2", "sms", f"{YEAR}/12/01", "no_answer"),
        ("3", "A1-2", "", "", "phone", f"{YEAR}/12/02", "no_answer"),
        # The last word on a channel counts.
        ("4", "A1-2", "", "", "phone", f"{YEAR}/12/05", "denies_loan"),
        # Said of the second registration, it is said of the plan.
        ("5", "A2-903", "", "", "phone", f"{YEAR}/12/05", "reached"),
    ]
    names = ["contact_id", "plan_id", "agency_code", "plan_number", "channel", "contacted_on", "outcome"]
    agencies.also("DESK_X", "desk_contact", [dict(zip(names, row, strict=True)) for row in contacts])
    agencies.also("SSO", "insurance_record", [
        {"national_id": national_id(4), "started_on": f"{YEAR}/12/01", "ended_on": ""},
        # Ended before the loan was paid.
        {"national_id": national_id(6), "started_on": f"{YEAR - 2}/01/01", "ended_on": f"{YEAR - 1}/12/01"},
    ])  # fmt: skip
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    frame.verify_at_desk.fn(PERIOD)
    found = rows_of(f"select * from frame.desk_verification where year = {YEAR}").set_index("plan_id")
    assert set(found.index) == set(eligible().index)
    assert found.loc["A1-1", ["sms_outcome", "desk_status"]].tolist() == ["confirms", "confirmed"]
    assert pd.isna(found.loc["A1-1", "phone_outcome"])
    assert found.loc["A1-2", ["sms_outcome", "phone_outcome", "desk_status"]].tolist() == [
        "no_answer", "denies_loan", "denied",
    ]  # fmt: skip
    assert found.loc["A1-3", "desk_status"] == "reached"
    assert found.loc["A1-4", ["insured_worker_count", "desk_status"]].tolist() == [1, "insured"]
    assert found.loc["A1-6", ["insured_worker_count", "has_insurance", "desk_status"]].tolist() == [
        0, False, "unverified",
    ]  # fmt: skip


def test_without_any_desk_delivery_nothing_is_known_and_nothing_stops(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [plan(56)])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    frame.verify_at_desk.fn(PERIOD)
    found = rows_of(f"select * from frame.desk_verification where year = {YEAR}")
    assert len(found) == 41
    assert found[["insured_worker_count", "has_insurance", "sms_outcome", "phone_outcome"]].isna().all(axis=None)
    assert set(found["desk_status"]) == {"unverified"}


def total(plan_count, loan_paid_rial, county=""):
    return {"province": county[:2], "county": county, "plan_count": plan_count, "loan_paid_rial": loan_paid_rial}


def test_the_frame_is_held_against_what_an_agency_declares(agencies):
    agencies.deliver("A1", [*MANY, plan(51, loan_paid_rial=9_999_999)])
    agencies.deliver("A2", [plan(3, plan_number="903"), plan(80)])
    lent = sum(row["loan_paid_rial"] for row in MANY) + 9_999_999
    in_county = [row for row in MANY if row["county"] == "0101"]
    agencies.also("A1_TOTAL", "agency_total", [
        total(41, lent), total(2 * len(in_county), sum(row["loan_paid_rial"] for row in in_county), "0101"),
    ])  # fmt: skip
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    frame.verify_at_desk.fn(PERIOD)
    frame.measure_coverage.fn(PERIOD)
    found = rows_of(f"select * from frame.coverage where year = {YEAR}").set_index(["agency_code", "county_code"])
    whole = found.loc[("A1", "all")]
    assert (whole["declared_plan_count"], whole["delivered_plan_count"], whole["accepted_plan_count"]) == (41, 41, 41)
    assert (whole["eligible_plan_count"], whole["excluded_by_reason"]) == (40, {"loan_below_minimum": 1})
    assert (whole["plan_share"], whole["loan_share"]) == (1.0, 1.0)
    assert found.loc[("A1", "0101"), "plan_share"] == 0.5
    assert found.loc[("A2", "all"), "excluded_by_reason"] == {"overlap": 1}
    assert pd.isna(found.loc[("A2", "all"), "plan_share"])
    pass_gate.fn("frame", PERIOD)
    measures = gate_measures()
    assert measures["county_weak_coverage_count"] == 1
    assert measures["agency_weak_coverage_count"] == measures["agency_below_least_coverage_count"] == 0
    assert measures["agency_without_total_count"] == 1


def gate_measures():
    limits = {"expected_source_count": 2, "without": [], "least_coverage_share": 0.8, "weak_coverage_share": 0.95,
              "most_coverage_share": 1.05, "most_pairs_in_review": 100}  # fmt: skip
    return warehouse.read("frame/gate.sql", year=YEAR, phase=1, **limits).iloc[0]


def test_an_agency_that_delivered_far_less_than_it_declares_stops_at_the_gate(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [plan(80)])
    agencies.also("A1_TOTAL", "agency_total", [total(51, 51 * 700_000_000)])
    pull(YEAR)
    frame.assemble_frame.fn(PERIOD)
    frame.verify_at_desk.fn(PERIOD)
    frame.measure_coverage.fn(PERIOD)
    with pytest.raises(GateRefused, match="less than the least share of what it declares: 1"):
        pass_gate.fn("frame", PERIOD)
    # Left out on purpose, its total is not held against the frame.
    frame.assemble_frame.fn(PERIOD, ("A1",))
    frame.verify_at_desk.fn(PERIOD)
    frame.measure_coverage.fn(PERIOD, ("A1",))
    pass_gate.fn("frame", PERIOD, without=("A1",))


def test_a_total_of_nowhere_in_particular_is_given_back(agencies):
    agencies.deliver("A1", MANY)
    agencies.deliver("A2", [plan(80)])
    rows = [total(41, 10**9), *(total(1, 10**9, county) for county in COUNTIES), total(1, 5) | {"county": "0103"},
            total(1, 5) | {"province": "01"}]  # fmt: skip
    agencies.also("A1_TOTAL", "agency_total", rows)
    pull(YEAR)
    given_back = rows_of(f"select reason_code, column_name from staging.rejected_row where year = {YEAR}")
    assert sorted(given_back.itertuples(index=False, name=None)) == [("missing", "county"), ("missing", "province")]
