"""The form of the phone: converted as a collection server would, and asked for what the form of deliveries says."""

import io
import re
import xml.etree.ElementTree as ElementTree

import openpyxl
import pytest
from pyxform.xls2xform import convert

from methods import persian
from methods.errors import SettingWrong
from tasks.edges import forms
from tasks.edges.fieldwork import plan_list, xlsform
from tasks.edges.forms import Form

XFORMS = "{http://www.w3.org/2002/xforms}"
JAVAROSA = "{http://openrosa.org/javarosa}"
INTERVIEW = xlsform.load("visit")
VISIT = forms.load_all()["visit"]


def written(content_hash="plans", is_rehearsal=True, form=VISIT, form_id=""):
    sheets = xlsform.sheets(INTERVIEW, form, content_hash, is_rehearsal, persian.number, form_id)
    return xlsform.write(sheets, INTERVIEW.language)


def converted(content):
    return convert(io.BytesIO(content), file_type=".xlsx")


@pytest.fixture(scope="module")
def root():
    return ElementTree.fromstring(converted(written()).xform)


@pytest.fixture(scope="module")
def binds(root):
    return {bind.get("nodeset").removeprefix("/data/"): bind for bind in root.iter(f"{XFORMS}bind")}


def test_pyxform_converts_it_without_a_warning():
    assert converted(written()).warnings == []
    assert converted(written(is_rehearsal=False)).warnings == []


def test_the_same_form_is_the_same_file():
    assert written() == written()


def test_every_column_of_the_form_is_asked_or_computed_under_its_name(binds):
    assert set(VISIT.columns) - set(INTERVIEW.not_asked) <= set(binds)


def test_what_is_asked_is_in_persian(root):
    (translation,) = root.iter(f"{XFORMS}translation")
    assert translation.get("lang") == "فارسی (fa)"
    said = ["".join(value.itertext()) for value in translation.iter(f"{XFORMS}value")]
    assert all(re.search("[آ-ی]", text) for text in said)
    asked = [label for group in root.iter() for label in group.findall(f"{XFORMS}label")]
    assert all(label.get("ref", "").startswith("jr:itext(") for label in asked if label.get("ref") != "itextId")


def test_labels_choices_and_bounds_come_from_the_form(root, binds):
    texts = {text.get("id"): "".join(text.itertext()).strip() for text in root.iter(f"{XFORMS}text")}
    for name in ("visited_on", "contact_outcome", "loan_use", "jobs_found_count", "inspector_code"):
        assert texts[f"/data/{name}:label"] == VISIT.columns[name].label_fa
    for place, (code, label) in enumerate(VISIT.columns["contact_outcome"].choices.items()):
        assert texts[f"contact_outcome-{place}"] == label
        assert code in "".join(root.itertext())
    assert binds["jobs_found_count"].get("constraint") == ". >= 0 and . <= 100000"
    assert texts["/data/jobs_found_count:jr:constraintMsg"] == "عددی از ۰ تا ۱۰۰٬۰۰۰ بنویسید."


@pytest.mark.parametrize("name", ["has_rule_breach", "loan_use", "is_running", "jobs_found_count"])
def test_what_only_a_visit_shows_is_asked_only_when_somebody_was_met(binds, name):
    assert binds[name].get("relevant").split() == ["/data/contact_outcome", "=", "'contacted'"]


@pytest.mark.parametrize("name", ["loan_use", "is_running", "jobs_found_count"])
def test_what_the_form_needs_of_a_final_visit_is_required(binds, name):
    # The rules of the form give back a final visit without it.
    assert {rule.column for rule in VISIT.rules} >= {name}
    assert binds[name].get("required").split() == ["/data/is_final", "=", "'1'"]


def test_photograph_place_time_and_device_are_recorded(root, binds):
    assert binds["photograph"].get("type") == "binary"
    assert binds["location"].get("type") == "geopoint"
    assert binds["location"].get("required") == "true()"
    assert binds["latitude"].get("calculate").split() == ["selected-at(", "/data/location", ",", "0)"]
    assert binds["plan_qr"].get("type") == "barcode"
    preloaded = {name: bind.get(f"{JAVAROSA}preloadParams") for name, bind in binds.items()}
    assert (preloaded["started_at"], preloaded["ended_at"], preloaded["device_id"]) == ("start", "end", "deviceid")


def test_plan_data_are_looked_up_in_the_attached_list(root, binds):
    (instance,) = [one for one in root.iter(f"{XFORMS}instance") if one.get("src")]
    assert instance.get("src") == "jr://file-csv/plans.csv"
    asked = re.findall(r"pulldata\('plans', '(\w+)', '(\w+)'", " ".join(str(bind.attrib) for bind in binds.values()))
    assert {column for pair in asked for column in pair} <= set(plan_list.COLUMNS)
    assert {"plan_id", "firm_code", "applicant_name"} <= {column for column, _ in asked}


def test_a_plan_of_another_inspector_is_not_taken(binds):
    assert "pulldata('plans', 'inspector_code', 'visit_id_key'" in binds["inspector_code"].get("constraint")
    assert binds["inspector_code"].get("constraint").startswith(". = ")


def test_no_visit_is_later_than_today(binds):
    assert binds["visited_on"].get("constraint") == ". <= today()"


def test_another_list_or_form_id_is_another_version():
    def version(content):
        book = openpyxl.load_workbook(io.BytesIO(content))
        header, row = book["settings"].iter_rows(values_only=True)
        return dict(zip(header, row, strict=True))

    first, second, third = version(written()), version(written("other plans")), version(written(form_id="visit_1404"))
    assert len({one["version"] for one in (first, second, third)}) == 3
    assert (first["form_id"], third["form_id"]) == ("payesh_visit", "visit_1404")


def test_only_a_rehearsal_says_that_it_is_one():
    assert "ساختگی" in converted(written()).xform
    assert "ساختگی" not in converted(written(is_rehearsal=False)).xform


def grown(**columns):
    stated = VISIT.model_dump()
    return Form.model_validate(stated | {"columns": stated["columns"] | columns})


def test_a_column_the_form_gains_is_taken_up():
    form = grown(latitude={"kind": "decimal", "label_fa": "عرض"}, photo_sha256={"kind": "code", "label_fa": "هش"})
    xlsform.check(INTERVIEW, form, "visit.yaml")
    assert converted(written(form=form)).warnings == []


def test_a_required_column_nobody_asks_for_is_refused():
    with pytest.raises(SettingWrong, match="no question for weather; wanted one for each column visit requires"):
        xlsform.check(INTERVIEW, grown(weather={"kind": "text", "label_fa": "هوا", "required": True}), "visit.yaml")


def test_a_question_that_refers_to_none_is_refused():
    lost = INTERVIEW.questions[0].model_copy(update={"relevant": "${nobody} = 1"})
    with pytest.raises(SettingWrong, match=r"\$\{nobody\}; wanted a question that is asked"):
        xlsform.check(INTERVIEW.model_copy(update={"questions": (lost, *INTERVIEW.questions[1:])}), VISIT, "visit.yaml")


def test_a_question_without_a_label_is_refused():
    mute = xlsform.Question(name="weather", type="text")
    with pytest.raises(SettingWrong, match="weather: found no label"):
        xlsform.check(INTERVIEW.model_copy(update={"questions": (*INTERVIEW.questions, mute)}), VISIT, "visit.yaml")
