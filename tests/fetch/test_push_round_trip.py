"""An issued sample goes to the phones, and what they return is a delivery of visits."""

import csv
import io
import re
from pathlib import Path

import pytest
import yaml
from fake_collection import Central, Kobo

from methods.errors import FrameMismatch, SettingWrong
from methods.period import Period
from payesh import source as source_cli
from tasks import handout
from tasks.edges import sources

PERIOD = Period(1403)
ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "field-work.md").read_text(encoding="utf-8"), re.DOTALL)
# The two sources of the guide, by kind of server.
STATED = {stated["push"]["kind"]: stated for stated in map(yaml.safe_load, EXAMPLES)}
CREDENTIALS = {"ODK_USER": "payesh", "ODK_PASSWORD": "s3cret pass/word", "KOBO_TOKEN": "t0ken-of-p04"}


@pytest.fixture
def phones(rehearsed, web, tmp_path, monkeypatch):
    """A source whose form is pushed to a server and whose answers are pulled from it."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PAYESH_SOURCES", str(tmp_path))

    def load(kind, **push):
        address = {"address": web.address}
        stated = STATED[kind] | {"pull": STATED[kind]["pull"] | address, "push": STATED[kind]["push"] | address | push}
        path = tmp_path / f"{stated['code']}.yaml"
        path.write_text(yaml.safe_dump(stated, allow_unicode=True), encoding="utf-8")
        return sources.load(path)

    return load


def answered(plan, number):
    """What a phone returns of one plan: the fields of the form, named as in it."""
    met = number % 4 != 0
    row = {
        "started_at": "2026-10-20T09:00:00.000+03:30", "ended_at": "2026-10-20T09:20:00.000+03:30",
        "device_id": "collect:1", "plan_qr": plan["qr_key"], "assigned_visit_id": plan["visit_id"],
        "visit_id": f"{plan['visit_id']}-202610200900", "plan_id": plan["plan_id"], "firm_code": plan["firm_code"],
        "inspector_code": plan["inspector_code"], "visited_on": "2026-10-20",
        "contact_outcome": "contacted" if met else "moved", "is_final": "1",
        "latitude": "35.7", "longitude": "51.4", "level": plan["level"], "started_minute": "540",
        "ended_minute": "560",
    }  # fmt: skip
    seen = {
        "has_rule_breach": "0", "loan_use": "approved_purpose", "is_running": "1", "jobs_found_count": 3,
        "sales_rial": 180000000, "asset_rial": 900000000, "photograph": f"{number}.jpg",
    }  # fmt: skip
    return row | (seen if met else dict.fromkeys(seen))


# What each server adds to a submission, and how it writes a place.
ADDED = {
    "odk": {
        "__id": "uuid:1", "__system": {"submissionDate": "2026-10-20T06:00:00.000Z", "submitterId": "5", "edits": 0},
        "meta": {"instanceID": "uuid:1", "instanceName": "V"},
        "location": {"type": "Point", "coordinates": [51.4, 35.7, 0], "properties": {"accuracy": 4}},
    },
    "kobo": {
        "_id": 1, "formhub/uuid": "f", "__version__": "v1", "meta/instanceID": "uuid:1", "_uuid": "1",
        "_attachments": [], "_geolocation": [35.7, 51.4], "_submission_time": "2026-10-20T06:00:00",
        "location": "35.7 51.4 0 4",
    },
}  # fmt: skip


def added(kind, number, web):
    """What a server adds to one submission."""
    if kind == "odk":
        return ADDED[kind] | {"__id": f"uuid:{number}"}
    address = f"{web.address}/api/v2/assets/{Kobo.uid}/data/{number}/attachments/{number}.jpg/"
    # At KoboToolbox an attachment is listed once it is there.
    listed = {"question_xpath": "photograph", "filename": f"p/{number}.jpg", "download_url": address}
    return ADDED[kind] | {"_id": number, "_attachments": [listed] if number % 4 else []}


@pytest.mark.parametrize(("kind", "server"), [("odk", Central), ("kobo", Kobo)])
def test_the_form_goes_out_and_its_answers_come_back_as_visits(phones, web, capsys, kind, server):
    web.answer = fake = server()
    source = phones(kind)
    said = []
    handout.push_form(PERIOD, source, said.append)
    assert "2,400 visits; version" in said[0]

    files = fake.published[0].files if kind == "odk" else fake.deployed_media
    plans = list(csv.DictReader(io.StringIO(files["plans.csv"].decode())))
    assert len(plans) == 2400
    fake.submissions = [answered(plan, number) | added(kind, number, web) for number, plan in enumerate(plans[:40])]
    # Every tenth photograph is that of plan 1, and the last has not been sent yet.
    fake.photographs = {
        f"{number}.jpg": b"%d" % (1 if number % 10 == 1 else number) for number in range(39 if kind == "odk" else 40)
    }
    if kind == "odk":
        asked = set(re.findall(r"<(\w+)/>", fake.published[0].xform))
        assert set(answered(plans[0], 0)) <= asked

    assert source_cli._tried(source, PERIOD)
    told = capsys.readouterr().out
    assert "40 rows, 0 given back" in told
    assert (", 29 photographs, 1 not there yet" if kind == "odk" else ", 30 photographs") in told


def test_only_the_plans_of_the_provinces_asked_for_go_out(phones, web):
    web.answer = fake = Central()
    handout.push_form(PERIOD, phones("odk", provinces=["23"]), lambda line: None)
    plans = list(csv.DictReader(io.StringIO(fake.published[0].files["plans.csv"].decode())))
    assert 0 < len(plans) < 2400
    assert {plan["place"].partition("،")[0] for plan in plans} == {"تهران"}


def test_provinces_nobody_was_sent_to_are_refused(phones, web):
    with pytest.raises(SettingWrong, match="found no visits; wanted visits of level county in its provinces"):
        handout.push_form(PERIOD, phones("odk", provinces=["99"]), lambda line: None)


def test_a_source_that_is_not_pushed_to_is_refused(rehearsed):
    with pytest.raises(SettingWrong, match="sources: FIELD: found no `push`"):
        handout.push_form(PERIOD, sources.load_all()["FIELD"], lambda line: None)


def test_a_sample_that_was_not_issued_is_refused(phones, web):
    with pytest.raises(FrameMismatch, match="sample 1398-1: found no issued plan"):
        handout.push_form(Period(1398), phones("odk"), lambda line: None)
