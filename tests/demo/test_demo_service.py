import json

import pytest
from fastapi.testclient import TestClient

from demo import ministry, population, scenario, service

P04, FIELD = "token of p04", "token of the field"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    ministry.stage(folder, 1403, "small")
    plans = population.plans(scenario.load("small"), 1403).query("role == 'eligible'")
    issued = plans.rename(columns={"province": "province_code", "county": "county_code"}).iloc[::5]
    issued = issued.assign(firm_code="F001", inspector_code="F001-1")
    (folder / "outbox" / "1403-1").mkdir(parents=True)
    issued.to_csv(folder / "outbox" / "1403-1" / "issued_plan.csv", index=False)
    return folder


@pytest.fixture
def client(home, monkeypatch):
    monkeypatch.setenv("PAYESH_P04_TOKEN", P04)
    monkeypatch.setenv("PAYESH_FIELD_TOKEN", FIELD)
    return TestClient(service.application(home))


def get(client, address, token, **asked):
    return client.get(address, params=asked, headers={"Authorization": f"Bearer {token}"})


def all_items(client, address, token, size, **asked):
    def page(number):
        return get(client, address, token, page=number, size=size, **asked).json()

    first = page(1)
    return first, [item for number in range(first["pages"]) for item in page(number + 1)["items"]]


def test_it_is_in_health(client):
    assert client.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize("address", ["/p04/plans", "/field/visits"])
def test_a_wrong_token_or_none_is_refused(client, address):
    assert get(client, address, "wrong", year=1403).status_code == 401
    assert client.get(address, params={"year": 1403}).status_code == 401
    foreign = {"Authorization": "Bearer نادرست".encode()}
    assert client.get(address, params={"year": 1403}, headers=foreign).status_code == 401


def test_without_a_token_of_its_own_it_admits_nobody(client, monkeypatch):
    monkeypatch.delenv("PAYESH_P04_TOKEN")
    assert get(client, "/p04/plans", "", year=1403).status_code == 401


def test_pages_of_plans_make_the_whole_file(client, home):
    first, items = all_items(client, "/p04/plans", P04, 700, year=1403)
    lines = ministry.p04_file(home, 1403).read_bytes().splitlines()
    assert items == [json.loads(line) for line in lines]
    assert (first["page"], first["total"]) == (1, len(items))
    assert first["pages"] == -(-len(items) // 700)


def test_a_page_beyond_the_last_and_a_year_not_delivered_are_named(client):
    assert get(client, "/p04/plans", P04, year=1403, page=999).status_code == 404
    assert "1402" in get(client, "/p04/plans", P04, year=1402).json()["detail"]
    assert get(client, "/p04/plans", P04, year=1403, page=0).status_code == 422


def test_every_issued_plan_is_visited_once(client):
    first, items = all_items(client, "/field/visits", FIELD, 1000, year=1403, phase=1)
    assert first["total"] == 2400 == len({item["plan_id"] for item in items})
    assert {item["contact_outcome"] for item in items} <= set(service.CONTACT_OUTCOMES.values())
    assert {type(item["is_final"]) for item in items} == {bool}
    assert {type(item["jobs_found_count"]) for item in items} == {int, type(None)}


def test_repeats_are_visited_once_their_list_is_handed_out(client, home):
    file = home / "outbox" / "1403-1" / "reinspection.csv"
    plan = get(client, "/field/visits", FIELD, year=1403).json()["items"][0]["plan_id"]
    file.write_text(f"plan_id,level,firm_code,inspector_code\n{plan},national,,N-01\n", encoding="utf-8")
    _, items = all_items(client, "/field/visits", FIELD, 1000, year=1403, phase=1)
    (again,) = [item for item in items if item["level"] != service.LEVELS["county"]]
    assert (again["plan_id"], again["inspector_code"], again["level"]) == (plan, "N-01", "کشور")
    assert len(items) == 2401
    file.write_text("plan_id\nP01-1\n", encoding="utf-8")
    assert "inspector_code" in get(client, "/field/visits", FIELD, year=1403).json()["detail"]
    file.unlink()


def test_no_list_handed_out_is_a_conflict(client):
    answer = get(client, "/field/visits", FIELD, year=1403, phase=2)
    assert answer.status_code == 409
    assert "1403-2" in answer.json()["detail"]


def test_a_list_of_a_year_that_was_not_staged_is_a_conflict(client, home):
    folder = home / "outbox" / "1401-1"
    folder.mkdir()
    (folder / "issued_plan.csv").write_text("plan_id\n")
    assert get(client, "/field/visits", FIELD, year=1401).status_code == 409


def test_a_changed_list_changes_the_visits(client, home):
    file = home / "outbox" / "1403-2" / "issued_plan.csv"
    file.parent.mkdir()
    whole = home / "outbox" / "1403-1" / "issued_plan.csv"
    lines = whole.read_text(encoding="utf-8").splitlines(keepends=True)
    for count in (100, 50):
        file.write_text("".join(lines[: count + 1]), encoding="utf-8")
        assert get(client, "/field/visits", FIELD, year=1403, phase=2).json()["total"] == count
    file.write_text("plan_id\nP01-1\n", encoding="utf-8")
    assert "county_code" in get(client, "/field/visits", FIELD, year=1403, phase=2).json()["detail"]
    file.unlink()
    file.parent.rmdir()
