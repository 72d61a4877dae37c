"""A form is pushed to servers that speak the published interfaces, and its answers come back as a delivery."""

import pytest
from fake_collection import Central, Kobo

from methods.errors import PushRefused, SettingWrong, SourceUnreadable
from methods.period import Period
from tasks.edges import forms, sources
from tasks.edges.fetch import SourceUnreachable
from tasks.edges.fieldwork import push, xlsform
from tasks.edges.fieldwork.parcel import Parcel

PERIOD = Period(1403)
PLANS = b"qr_key,visit_id_key\na,b\n"
ODK = {"kind": "odk", "project": 7, "form": "payesh_{year}_{phase}", "user": "env:P_USER", "password": "env:P_WORD"}
KOBO = {"kind": "kobo", "asset": "aSAvYreNzVEkrWg5Gdcvg", "token": "env:P_TOKEN"}


def parcel(plans=PLANS, form_id="payesh_1403_1"):
    interview = xlsform.load("visit")
    sheets = xlsform.sheets(interview, forms.load_all()["visit"], str(plans), False, str, form_id)
    content = xlsform.write(sheets, interview.language)
    return Parcel("بازدید", form_id, xlsform.version_of(sheets), content, "plans.csv", plans)


@pytest.fixture
def pushed(web, tmp_path, monkeypatch):
    """Push by the `push` block of a source; waits that a server asks for are noted, not kept."""
    for name, value in {"P_USER": "payesh", "P_WORD": "s3cret pass/word", "P_TOKEN": "t0ken-of-p04"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))

    def run(target, what=None):
        stated = {
            "code": "PHONES", "agency_code": "PHONES", "agency_name": "Phones", "form": "visit",
            "years": {"from": 1403, "to": 1403}, "pull": target | {"address": web.address},
            "push": target | {"address": web.address, "longest_wait_seconds": 20},
        }  # fmt: skip
        source = sources.Source.model_validate(stated)
        return push.deliver(source, PERIOD, what or parcel(), run.waits.append)

    run.waits = []
    return run


@pytest.fixture
def central(web):
    web.answer = Central()
    return web.answer


@pytest.fixture
def kobo(web):
    web.answer = Kobo()
    return web.answer


def test_a_new_form_is_created_its_list_attached_and_published(pushed, central):
    said = pushed(ODK)
    (form,) = central.published
    assert form.form_id == "payesh_1403_1"
    assert form.version == parcel().version
    assert form.files == {"plans.csv": PLANS}
    assert "a new form" in said


def test_pushing_again_changes_nothing(pushed, central, web):
    pushed(ODK)
    web.asked.clear()
    assert "already" in pushed(ODK)
    assert [asked.method for asked in web.asked] == ["POST", "GET"]  # a session, and a look
    assert len(central.published) == 1


def test_another_list_is_another_version_with_its_own_list(pushed, central):
    pushed(ODK)
    pushed(ODK, parcel(b"qr_key\nother\n"))
    assert [form.files["plans.csv"] for form in central.published] == [PLANS, b"qr_key\nother\n"]
    assert len({form.version for form in central.published}) == 2


def test_an_earlier_list_comes_back_under_a_version_of_its_own(pushed, central):
    pushed(ODK)
    pushed(ODK, parcel(b"qr_key\nother\n"))
    assert "published" in pushed(ODK)
    assert central.published[-1].version == f"{parcel().version}.3"
    assert central.published[-1].files["plans.csv"] == PLANS
    assert "already" in pushed(ODK)


def test_a_push_that_broke_off_before_publishing_goes_on(pushed, central, web):
    web.answer = lambda asked: central(asked) if "publish" not in asked.path else (502, {}, b"")
    with pytest.raises(SourceUnreachable, match="status 502"):
        pushed(ODK)
    assert not central.published
    web.answer = central
    pushed(ODK)
    assert central.published[0].files == {"plans.csv": PLANS}


def test_a_wrong_password_is_refused_and_not_told(pushed, central, monkeypatch):
    monkeypatch.setenv("P_WORD", "wr0ng-word")
    with pytest.raises(SourceUnreadable, match="/v1/sessions: found status 401.*Check the credentials") as refused:
        pushed(ODK)
    assert "wr0ng" not in str(refused.value)


def test_a_session_that_ran_out_is_opened_again(pushed, central, web):
    def answer(asked):
        if asked.path.endswith("draft/publish") and central.session == "session1":
            central.session = "session2"
        return central(asked)

    web.answer = answer
    pushed(ODK)
    assert len(central.published) == 1


def test_a_form_in_the_trash_is_named_in_the_servers_own_words(pushed, central):
    central.in_the_trash = True
    with pytest.raises(PushRefused, match="status 409: A resource already exists.*trash"):
        pushed(ODK)


def test_a_form_with_a_warning_is_not_pushed(pushed, central, web):
    what = parcel()
    broken = Parcel(what.title, what.form_id, "x", b"not a workbook", what.attachment_name, PLANS)
    central.take = lambda asked: (
        400,
        {},
        b'{"code": 400.16, "message": "The Form is valid, but with warnings.", "details": {"warnings": ["no label"]}}',
    )
    with pytest.raises(PushRefused, match="status 400: The Form is valid, but with warnings.*no label"):
        pushed(ODK, broken)
    assert next(asked for asked in web.asked if asked.path.endswith("/forms")).query == {"ignoreWarnings": "false"}


def test_a_server_that_asks_to_wait_is_waited_for(pushed, central, web):
    asked_to_wait = []

    def answer(asked):
        if asked.path.endswith("draft/publish") and not asked_to_wait:
            asked_to_wait.append(asked)
            return 429, {"Retry-After": "7"}, b'{"message": "slow down"}'
        return central(asked)

    web.answer = answer
    pushed(ODK)
    assert pushed.waits == [7.0] and len(central.published) == 1


def test_a_server_that_asks_to_wait_for_too_long_is_refused(pushed, central, web):
    web.answer = lambda asked: (429, {"Retry-After": "600"}, b"{}") if asked.method == "GET" else central(asked)
    with pytest.raises(SourceUnreachable, match="status 429, which asks to wait 600 s"):
        pushed(ODK)


def test_a_project_that_is_not_there_is_named(pushed, central):
    with pytest.raises(SourceUnreadable, match="projects/8/forms: found status 404"):
        pushed(ODK | {"project": 8})


def test_kobo_imports_attaches_and_deploys(pushed, kobo):
    pushed(KOBO)
    assert kobo.xlsx == parcel().form
    assert kobo.deployed == kobo.version == 1
    assert kobo.deployed_media == {"plans.csv": PLANS}
    assert pushed.waits == [2.0]


def test_kobo_again_changes_nothing(pushed, kobo, web):
    pushed(KOBO)
    web.asked.clear()
    assert "already" in pushed(KOBO)
    assert {asked.method for asked in web.asked} == {"GET"}


def test_kobo_gets_another_list_in_the_place_of_the_former(pushed, kobo):
    pushed(KOBO)
    pushed(KOBO, parcel(b"qr_key\nother\n"))
    assert kobo.deployed_media == {"plans.csv": b"qr_key\nother\n"}
    assert kobo.deployed == 2


def test_kobo_that_was_not_deployed_is_deployed_the_next_time(pushed, kobo, web):
    web.answer = lambda asked: (503, {}, b"") if "deployment" in asked.path else kobo(asked)
    with pytest.raises(SourceUnreachable):
        pushed(KOBO)
    web.answer = kobo
    pushed(KOBO)
    assert kobo.deployed_media == {"plans.csv": PLANS}


def test_kobo_that_fails_to_import_says_why(pushed, kobo):
    what = parcel()
    with pytest.raises(PushRefused, match="an import that failed: .+; wanted a form KoboToolbox takes"):
        pushed(KOBO, Parcel(what.title, what.form_id, "x", what.form[:200], what.attachment_name, PLANS))
    assert kobo.deployed == 0


def test_kobo_that_never_ends_an_import(pushed, kobo):
    kobo.polls_until_done = 10**6
    with pytest.raises(SourceUnreachable, match="an import that is processing after 20 s"):
        pushed(KOBO)


def test_kobo_without_such_a_project(pushed, kobo):
    with pytest.raises(SourceUnreadable, match="assets/aNone/files/: found status 404"):
        pushed(KOBO | {"asset": "aNone"})


def test_kobo_with_a_wrong_token(pushed, kobo, monkeypatch):
    monkeypatch.setenv("P_TOKEN", "an0ther-token")
    with pytest.raises(SourceUnreadable, match="status 401") as refused:
        pushed(KOBO)
    assert "an0ther" not in str(refused.value)


def test_a_form_is_not_pushed_where_its_answers_are_not_pulled(tmp_path):
    import yaml

    root = sources.settings().root
    stated = yaml.safe_load((root / "sources" / "FIELD.yaml").read_text(encoding="utf-8"))
    odk = ODK | {"address": "https://central.test"}
    path = tmp_path / "PHONES.yaml"
    path.write_text(yaml.safe_dump(stated | {"pull": odk, "push": odk}), encoding="utf-8")
    assert sources.load(path).push.form == "payesh_{year}_{phase}"
    path.write_text(yaml.safe_dump(stated | {"pull": odk, "push": odk | {"project": 8}}), encoding="utf-8")
    with pytest.raises(SettingWrong, match="push: found odk 8 .*wanted odk 7"):
        sources.load(path)


def test_where_a_form_goes_changes_nothing_of_how_answers_are_read():
    stated = sources.load_all()["FIELD"]
    target = sources.Source.model_validate(
        stated.model_dump(by_alias=True) | {"push": ODK | {"address": "https://central.test"}}
    )
    assert target.version == stated.version
