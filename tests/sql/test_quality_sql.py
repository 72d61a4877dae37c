import datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from methods import quality
from methods.period import Period
from tasks.edges import forms, gate, law, warehouse

YEAR, PHASE = 1398, 1
ROUND = {"year": YEAR, "phase": PHASE}
DAY = datetime.date
NOW = DAY(2020, 3, 1)
FORMS = ("loan_plan", "payment", "registered_job", "insurance_record")
RULES = (
    "person_agencies", "paid_above_approved", "paid_before_approved", "paid_without_job", "payment_without_plan",
    "job_without_plan", "insurance_against_job",
)  # fmt: skip
ALI, SARA, REZA = "0010000001", "0010000002", "0010000003"


class Desk:
    """Deliveries put straight into the warehouse, inside one transaction that is undone."""

    def __init__(self, connection):
        self.connection = connection

    def deliver(self, agency, form, rows=(), version=1, year=YEAR, phase=PHASE, status="accepted", landed=0, back=0):
        source = f"Q_{agency}_{form}".upper()
        own = f"{source}-{year}-{phase}-v{version}"
        self.add("reference.source", source_code=source, agency_code=agency, agency_name=agency, form=form,
                 is_rehearsal=True)  # fmt: skip
        self.add("landing.delivery", delivery_id=own, source_code=source, form=form, year=year, phase=phase,
                 received_on=DAY(2019, 1, version), received_at=DAY(2019, 1, version), version=version,
                 file_name="x", byte_count=1, sha256=own)  # fmt: skip
        self.add("staging.delivery_outcome", delivery_id=own, status=status, row_count=landed or len(rows),
                 rejected_row_count=back, source_version="x")  # fmt: skip
        for number, row in enumerate(rows, start=2):
            self.add(f"staging.{form}", year=year, phase=phase, delivery_id=own, row_number=number, **row)
        return own

    def add(self, table, **values):
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        statement = f"insert into {table} ({names}) values ({marks}) on conflict do nothing"
        self.connection.execute(sa.text(statement), values)

    def write(self, table, file, partition, **parameters):
        return warehouse.replace(table, partition, warehouse.Rowset(file, parameters), within=self.connection)

    def read(self, file, **parameters):
        result = self.connection.execute(sa.text((warehouse.SQL / file).read_text(encoding="utf-8")), parameters)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))

    def find(self, *rules, cutoff=NOW):
        for rule in rules or RULES:
            parameters = ROUND | {"cutoff": cutoff}
            if rule == "insurance_against_job":
                parameters["insurance_grace_days"] = 31
            self.write("staging.contradiction", f"staging/across_{rule}.sql", ROUND | {"rule_code": rule}, **parameters)

    def examples(self, rule, count=100):
        found = self.read("staging/across_rule_example.sql", **ROUND, rule_code=rule, example_count=count)
        return list(found.itertuples(index=False, name=None))

    def measures(self):
        return self.read("staging/across_gate.sql", **ROUND, cutoff=NOW).iloc[0]


@pytest.fixture
def desk(stack):
    warehouse.migrate()
    for form in forms.load_all().values():
        warehouse.make_tables(forms.table_statements(form))
    with warehouse.transaction() as connection:
        yield Desk(connection)
        connection.rollback()
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from control.validation where batch like '%1398-1%'"))


def plan(agency, number, person=ALI, **changed):
    return {
        "agency_code": agency, "plan_id": f"{agency}-{number}", "plan_number": number, "national_id": person,
        "province_code": "01", "county_code": "0101",
        "plan_kind": "enterprise", "approved_on": DAY(2019, 5, 1), "paid_on": DAY(2019, 5, 1),
        "loan_approved_rial": 100, "loan_paid_rial": 100, "job_commitment_count": 1, "registered_job_count": 1,
    } | changed  # fmt: skip


def payment(number, amount):
    return {"plan_number": number, "national_id": ALI, "paid_on": DAY(2019, 5, 1), "amount_rial": amount}


def job(number, is_insured=True):
    return {
        "plan_number": number, "worker_national_id": ALI, "started_on": DAY(2019, 6, 1), "ended_on": None,
        "is_insured": is_insured,
    }  # fmt: skip


def spell(started_on, ended_on=None, person=ALI, employer="10100000001"):
    return {"national_id": person, "employer_legal_id": employer, "started_on": started_on, "ended_on": ended_on}


def test_every_rule_has_its_file_and_its_share(desk):
    known = desk.connection.execute(sa.text("select rule_code from staging.contradiction_rule")).scalars()
    assert set(known) == set(RULES)
    desk.find()
    assert {f"{rule}_share" for rule in RULES} <= set(desk.measures().index)


def test_a_person_under_two_agencies_is_one_person_with_every_plan_named(desk):
    first = desk.deliver("A1", "loan_plan", [plan("A1", "1", ALI), plan("A1", "2", SARA), plan("A1", "3", SARA)])
    second = desk.deliver("A2", "loan_plan", [plan("A2", "1", REZA), plan("A2", "2", ALI)])
    desk.find()
    assert desk.examples("person_agencies") == [(first, 2, "A1-1", "A1, A2"), (second, 3, "A2-2", "A1, A2")]
    measures = desk.measures()
    assert (measures["person_agencies_count"], measures["person_count"]) == (1, 3)
    assert measures["person_agencies_share"] == pytest.approx(1 / 3)


def test_only_deliveries_in_force_are_held_against_each_other(desk):
    desk.deliver("A1", "loan_plan", [plan("A1", "1", ALI)], version=1)
    desk.deliver("A1", "loan_plan", [plan("A1", "1", SARA)], version=2)
    desk.deliver("A2", "loan_plan", [plan("A2", "1", ALI)])
    desk.deliver("A3", "loan_plan", [plan("A3", "1", ALI)], status="refused")
    desk.deliver("A4", "loan_plan", [plan("A4", "1", ALI)], phase=2)
    desk.find()
    assert desk.examples("person_agencies") == []
    # On the first day the second version was not known yet.
    desk.find(cutoff=DAY(2019, 1, 1))
    assert len(desk.examples("person_agencies")) == 2


def test_a_loan_is_paid_above_its_approval_by_either_record(desk):
    own = desk.deliver(
        "A1",
        "loan_plan",
        [plan("A1", "1"), plan("A1", "2"), plan("A1", "3", loan_paid_rial=101), plan("A1", "4"), plan("A1", "5")],
    )
    desk.deliver("A1", "payment", [payment("1", 60), payment("1", 60), payment("2", 60), payment("2", 40)])
    # Another agency's plan of the same number is another plan.
    desk.deliver("A2", "payment", [payment("4", 500)])
    desk.find()
    assert desk.examples("paid_above_approved") == [(own, 2, "A1-1", "120 > 100"), (own, 4, "A1-3", "101 > 100")]
    measures = desk.measures()
    assert (measures["paid_above_approved_share"], measures["payment_count"]) == (0.4, 5)


def test_a_loan_paid_before_its_approval_is_found(desk):
    early = plan("A1", "2", approved_on=DAY(2019, 5, 2))
    own = desk.deliver("A1", "loan_plan", [plan("A1", "1"), early])
    desk.find()
    assert desk.examples("paid_before_approved") == [(own, 3, "A1-2", "2019-05-01 < 2019-05-02")]


def test_a_paid_loan_needs_a_job_in_some_record_or_at_least_a_promise(desk):
    none = {"job_commitment_count": 0, "registered_job_count": 0}
    own = desk.deliver(
        "A1",
        "loan_plan",
        [plan("A1", "1", **none), plan("A1", "2", **none), plan("A1", "3", registered_job_count=0), plan("A1", "4")],
    )
    desk.deliver("A1", "registered_job", [job("2")])
    desk.find()
    assert desk.examples("paid_without_job") == [(own, 2, "A1-1", "100 / 0")]
    measures = desk.measures()
    assert (measures["paid_without_job_share"], measures["paid_without_registered_job_count"]) == (0.25, 1)


def test_payments_and_jobs_of_plans_nobody_delivered_are_found_once_the_plans_are_there(desk):
    paid = desk.deliver("A1", "payment", [payment("1", 60), payment("9", 60)])
    worked = desk.deliver("A1", "registered_job", [job("8"), job("1")])
    desk.find()
    assert desk.examples("payment_without_plan") == desk.examples("job_without_plan") == []
    desk.deliver("A1", "loan_plan", [plan("A1", "1")])
    desk.find()
    assert desk.examples("payment_without_plan") == [(paid, 3, "A1-9", "A1-9")]
    assert desk.examples("job_without_plan") == [(worked, 2, "A1-8", "A1-8")]


@pytest.mark.parametrize(
    ("spells", "is_insured", "what"),
    [
        ([spell(DAY(2019, 6, 20))], True, None),
        ([spell(DAY(2019, 5, 1), DAY(2019, 8, 1))], True, None),
        ([spell(DAY(2015, 1, 1), DAY(2019, 3, 1)), spell(DAY(2019, 6, 1))], True, None),
        ([spell(DAY(2015, 1, 1), DAY(2019, 3, 1))], True, "2019-03-01 / 2019-06-01"),
        ([spell(DAY(2015, 1, 1), DAY(2019, 3, 1))], False, None),
        ([spell(DAY(2015, 1, 1))], True, "10100000001 / 2019-06-01"),
        ([spell(DAY(2015, 1, 1))], False, "10100000001 / 2019-06-01"),
        ([spell(DAY(2015, 1, 1), employer=None)], True, None),
        ([spell(DAY(2015, 1, 1), DAY(2019, 6, 15))], False, None),
        ([spell(DAY(2015, 1, 1), person=SARA)], True, None),
    ],
    ids=[
        "begins with the job", "begins a month before it", "changes the employer", "ended before the job",
        "not said to be insured", "stays with another employer", "works beside another employer", "insures oneself",
        "leaves the other employer", "nobody's record",
    ],
)  # fmt: skip
def test_insurance_speaks_for_or_against_a_job(desk, spells, is_insured, what):
    own = desk.deliver("A1", "registered_job", [job("1", is_insured=is_insured)])
    desk.deliver("SSO", "insurance_record", spells)
    desk.find()
    assert desk.examples("insurance_against_job") == ([(own, 2, "A1-1", what)] if what else [])
    held = spells[0]["national_id"] == ALI
    assert desk.measures()["job_of_insured_count"] == held


def test_examples_are_no_more_than_asked_for(desk):
    own = desk.deliver("A1", "loan_plan", [plan("A1", str(n), loan_paid_rial=101) for n in range(5)])
    desk.find()
    assert len(desk.examples("paid_above_approved", 2)) == 2
    found = desk.read("staging/across_delivery_example.sql", delivery_id=own, example_count=3)
    assert list(found["row_number"]) == [2, 3, 4]
    assert set(found["row_count"]) == {5}


def test_the_suite_stops_impossible_shares_warns_of_unusual_ones_and_leaves_the_rest(desk):
    odd = {"loan_paid_rial": 101}
    desk.deliver("A1", "loan_plan", [plan("A1", str(n), str(n), **(odd if n < 6 else {})) for n in range(10)])
    desk.find()
    rules = law.section("validation", Period(1403))
    measures = pd.DataFrame([desk.measures()])
    for name in ("unusual", "impossible"):
        measures = quality.over_limits(measures, rules[f"{name}_contradiction"], name)
    judgement = gate.judge("gate/across", "test 1398-1", measures, rules["limits"])
    assert [finding.rule.split(":")[0] for finding in judgement.critical] == ["loans paid above the loan approved"]
    # The rules nothing was delivered for are not judged; the count, the warning and the stop are.
    assert {finding.severity for finding in judgement.failed} == {"info", "warning", "critical"}
    assert len(judgement.failed) == 3


def test_a_profile_counts_cells_as_delivered_and_values_as_accepted(desk):
    own = desk.deliver(
        "A1",
        "loan_plan",
        [
            plan("A1", "1", loan_paid_rial=12_000_000),
            plan("A1", "2", loan_paid_rial=19_999_999),
            plan("A1", "3", loan_paid_rial=20_000_000, province_code="02"),
        ],
    )
    for number, note in enumerate(["18", " ", None, "x"]):
        desk.add("landing.loan_plan", delivery_id=own, row_number=number, budget_note=note)
    parameters = ROUND | {"delivery_id": own}
    desk.write("staging.delivery_profile", "staging/profile_loan_plan.sql", {"delivery_id": own}, **parameters)
    found = desk.read("staging/profile.sql", delivery_id=own)
    rows = {(row.basis, row.column_name, row.bin): (row.row_count, row.total_rial) for row in found.itertuples()}
    assert rows["delivered", "budget_note", "empty"][0] == 2
    assert rows["delivered", "budget_note", "filled"][0] == 2
    assert rows["accepted", "province_code", "01"] == (2, None)
    assert rows["accepted", "loan_paid_rial", "10000000"] == (2, 31_999_999)
    assert rows["accepted", "loan_paid_rial", "20000000"] == (1, 20_000_000)


@pytest.mark.parametrize("name", [path.stem for path in sorted((warehouse.SQL / "staging").glob("profile_*.sql"))])
def test_every_profile_fits_its_form(desk, name):
    if name == "profile_before":
        return
    form = forms.load_all()[name.removeprefix("profile_")]
    own = desk.deliver("A1", form.form)
    desk.add(f"landing.{form.form}", delivery_id=own, row_number=1)
    parameters = ROUND | {"delivery_id": own}
    desk.write("staging.delivery_profile", f"staging/{name}.sql", {"delivery_id": own}, **parameters)
    found = desk.read("staging/profile.sql", delivery_id=own)
    assert set(found["column_name"]) == set(form.columns)


def test_the_delivery_before_is_the_one_in_force_of_the_newest_earlier_period(desk):
    ids = [
        desk.deliver("A1", "loan_plan", year=year, phase=phase, version=version, status=status)
        for year, phase, version, status in [
            (1396, 2, 1, "accepted"), (1397, 1, 1, "accepted"), (1397, 1, 2, "accepted"), (1397, 2, 1, "refused"),
            (1398, 1, 1, "accepted"),
        ]
    ]  # fmt: skip
    for own in ids:
        desk.add("staging.delivery_profile", delivery_id=own, basis="delivered", column_name="x", bin="empty",
                 row_count=1)  # fmt: skip
    before = [desk.read("staging/profile_before.sql", delivery_id=own)["delivery_id"].to_list() for own in ids]
    assert before == [[], [ids[0]], [ids[0]], [ids[2]], [ids[2]]]


def test_a_tenfold_sum_is_stopped_by_the_suite_of_change(desk):
    own = [desk.deliver("A1", "loan_plan", year=year) for year in (1397, 1398)]
    for delivery, factor in zip(own, (1, 10), strict=True):
        desk.add("staging.delivery_profile", delivery_id=delivery, basis="delivered", column_name="x", bin="filled",
                 row_count=9)  # fmt: skip
        desk.add("staging.delivery_profile", delivery_id=delivery, basis="accepted", column_name="loan_paid_rial",
                 bin="x", row_count=9, total_rial=1000 * factor)  # fmt: skip
    before = desk.read("staging/profile_before.sql", delivery_id=own[1])
    rules = law.section("validation", Period(1403))
    now = desk.read("staging/profile.sql", delivery_id=own[1])
    measures = quality.change_measures(before, now, float(rules["stability_confidence"]))
    for name in ("noted", "unusual", "impossible"):
        measures = quality.over_limits(measures, rules[f"{name}_change"], name)
    judgement = gate.judge("gate/change", own[1], measures, rules["limits"])
    assert [finding.rule.split(":")[0] for finding in judgement.critical] == ["a believable sum of money"]


@pytest.mark.parametrize(("refused", "stopped"), [("0.20", []), ("0.05", ["at most 5 % of the rows are given back"])])
def test_what_stops_a_delivery_is_the_limit_of_the_date_and_the_agency_reads_it_in_persian(desk, refused, stopped):
    measures = pd.DataFrame([{"rejected_share": 0.1}])
    limits = dict(law.section("validation", Period(1403))["limits"]) | {"rejected_share_refused": refused}
    judgement = gate.judge("gate/staging", "test 1398-1", measures, limits)
    assert [finding.rule for finding in judgement.critical] == stopped
    noted = next(finding for finding in judgement.findings if finding.severity == "warning")
    assert (noted.is_success, noted.threshold_fa) == (False, "بیشینه ۵٪")


def measure_quality(desk, own, days_late=0, required=("plan_number", "national_id")):
    desk.write("staging.delivery_quality", "staging/quality_delivery.sql", {"delivery_id": own},
               delivery_id=own, required_columns=list(required), days_late=days_late)  # fmt: skip
    found = desk.connection.execute(
        sa.text("select dimension, numerator, denominator, share from staging.delivery_quality where delivery_id = :d"),
        {"d": own},
    )
    return {row.dimension: (row.numerator, row.denominator, row.share) for row in found}


def reject(desk, own, row_number, reason, column):
    desk.add("staging.rejected_row", **ROUND, delivery_id=own, row_number=row_number, reason_code=reason,
             column_name=column)  # fmt: skip


def test_five_dimensions_worked_by_hand(desk):
    for reason in ("missing", "repeated", "national_id_invalid"):
        desk.add("reference.reject_reason", reason_code=reason, wanted="x", reason_fa="x", remedy_fa="x")
    rows = [plan("A1", str(n)) for n in range(5)] + [plan("A1", "5", loan_paid_rial=101, paid_on=DAY(2018, 1, 1))]
    own = desk.deliver("A1", "loan_plan", rows, landed=10, back=4)
    # Row 20 lacks both required cells, row 21 a cell that may be empty; 22 repeats a key, 23 is not readable.
    for fault in [(20, "missing", "plan_number"), (20, "missing", "national_id"), (21, "missing", "budget_note"),
                  (22, "repeated", "plan_number"), (23, "national_id_invalid", "national_id")]:  # fmt: skip
        reject(desk, own, *fault)
    desk.find()
    assert measure_quality(desk, own, days_late=3) == {
        "completeness": (18, 20, 0.9),
        "uniqueness": (9, 10, 0.9),
        "validity": (6, 10, 0.6),
        "timeliness": (0, 1, 0),
        # The sixth plan breaks two rules, and is one row.
        "consistency": (5, 6, pytest.approx(5 / 6)),
    }


def test_what_nobody_judged_has_no_share(desk):
    own = desk.deliver("A1", "visit", landed=4)
    measured = measure_quality(desk, own, days_late=None)
    assert measured["timeliness"] == measured["consistency"] == (0, 0, None)
    refused = desk.deliver("A1", "loan_plan", landed=4, status="refused")
    assert measure_quality(desk, refused)["consistency"] == (0, 0, None)
    assert measure_quality(desk, refused)["timeliness"] == (1, 1, 1)
    replaced = desk.deliver("A2", "loan_plan", [plan("A2", "1")])
    assert measure_quality(desk, replaced)["consistency"] == (1, 1, 1)
    desk.deliver("A2", "loan_plan", [plan("A2", "1")], version=2)
    assert measure_quality(desk, replaced)["consistency"] == (0, 0, None)


def test_the_history_of_an_agency_has_its_newest_version_of_each_period(desk):
    own = [
        desk.deliver("A1", "loan_plan", [plan("A1", "1")], year=1397),
        desk.deliver("A1", "loan_plan", [plan("A1", "1")]),
        desk.deliver("A1", "loan_plan", version=2, status="refused", landed=2, back=2),
        desk.deliver("A2", "loan_plan", [plan("A2", "1")]),
    ]
    for delivery in own:
        measure_quality(desk, delivery)
    history = desk.read("staging/quality_history.sql", agency_code="A1")
    validity = history[history["dimension"] == "validity"]
    assert validity[["year", "version", "status", "share"]].to_numpy().tolist() == [
        [1397, 1, "accepted", 1.0],
        [1398, 2, "refused", 0.0],
    ]
    assert len(history) == 10
