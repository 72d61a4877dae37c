import json
from pathlib import Path

import pytest
import yaml

from methods.errors import SettingWrong, SourceUnreadable
from methods.period import Period
from tasks.edges import sources
from tasks.edges.sources import Source

ROOT = Path(__file__).parents[2]
PLAIN = {
    "code": "X1", "agency_code": "X1", "agency_name": "دستگاه", "form": "firm", "years": {"from": 1401, "to": 1404},
    "columns": {"firm_code": "کد", "firm_name": "نام", "province": "استان", "capacity_count": "ظرفیت"},
    "pull": {"kind": "file", "address": "{inbox}/X1/{year}.csv"},
}  # fmt: skip


def written(folder, **said):
    path = folder / "X1.yaml"
    path.write_text(yaml.safe_dump(PLAIN | said, allow_unicode=True), encoding="utf-8")
    return path


def test_a_layout_holds_from_its_date_and_what_it_leaves_out_stays():
    newer = {"from": "1403-07-01", "columns": PLAIN["columns"] | {"firm_code": "شناسه"}}
    source = Source.model_validate(PLAIN | {"changes": [newer]})
    assert source.at(Period(1403, 1)).columns["firm_code"] == "کد"
    assert source.at(Period(1403, 2)).columns["firm_code"] == "شناسه"
    assert source.at(Period(1404, 1)).pull == source.pull
    assert source.at(Period(1403, 1)).version != source.at(Period(1403, 2)).version


def test_an_english_name_changes_nothing_of_how_rows_are_read():
    named = Source.model_validate(PLAIN | {"agency_name_en": "Agency"})
    assert named.version == Source.model_validate(PLAIN).version
    assert Source.model_validate(PLAIN | {"agency_name": "دستگاهی دیگر"}).version != named.version


def test_changes_out_of_order_are_refused(tmp_path):
    changes = [{"from": "1403-07-01", "columns": PLAIN["columns"]}, {"from": "1402-01-01", "columns": PLAIN["columns"]}]
    with pytest.raises(SettingWrong, match="oldest first"):
        sources.load(written(tmp_path, changes=changes))


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"form": "firms"}, "wanted one of agency_total, census_county"),
        ({"columns": {"firm_code": "کد"}}, "no mapping for"),
        ({"columns": PLAIN["columns"] | {"tel": "تلفن"}}, "unknown"),
        ({"units": {"capacity_count": "rial"}}, "a column of money"),
        ({"faults": [{"column": "firm_name", "found": "a", "becomes": "b", "why": "c", "expect": 1}]}, "few values"),
        ({"pull": {"kind": "pigeon"}}, "pull"),
        ({"surprise": 1}, "surprise"),
        ({"codes": {"capacity_count": {"ده": "10"}}}, "a column of codes: province"),
        ({"years": {"from": 1404, "to": 1403}}, "not before"),
        ({"years": {"from": 2024, "to": 2024}}, "1503"),
        ({"pull": {"kind": "file", "address": "sftp://h:22x/a.csv"}}, "(?i)port"),
        ({"changes": [{"from": "1403/07/01"}]}, "changes.0.from"),
        ({"changes": [{"from": "1403-07-01", "columns": {"tel": "تلفن"}}]}, "unknown"),
    ],
)
def test_what_no_source_may_say_is_named_in_one_line(tmp_path, said, named):
    with pytest.raises(SettingWrong, match=named) as refusal:
        sources.load(written(tmp_path, **said))
    assert "\n" not in str(refusal.value)
    assert "X1.yaml" in str(refusal.value)


@pytest.mark.parametrize(
    "pull",
    [
        {"kind": "file", "address": "sftp://h/a.csv", "user": "env:U", "password": "hunter22"},
        {"kind": "file", "address": "sftp://u:hunter22@h/a.csv"},
        {"kind": "sql", "address": "postgresql://u:hunter22@h/d", "query": "select 1"},
    ],
)
def test_a_password_in_a_yaml_is_refused_and_not_repeated(tmp_path, pull):
    with pytest.raises(SettingWrong, match="pull") as refusal:
        sources.load(written(tmp_path, pull=pull))
    assert "hunter22" not in str(refusal.value)


def test_a_credential_that_is_named_may_stand_in_an_address(tmp_path):
    address = "sftp://{env:USER}:{block:secret}@h/{year}.csv"
    assert sources.load(written(tmp_path, pull={"kind": "file", "address": address})).pull.address == address


def test_yaml_that_is_none_is_named(tmp_path):
    path = tmp_path / "such.yaml"
    path.write_text("code: [", encoding="utf-8")
    with pytest.raises(SettingWrong, match=r"such\.yaml"):
        sources.load(path)


def test_codes_outside_of_a_list_are_refused(tmp_path):
    text = (ROOT / "sources" / "P01.yaml").read_text(encoding="utf-8").replace(": enterprise", ": company")
    path = tmp_path / "P01.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingWrong, match="company"):
        sources.load(path)


def test_a_credential_comes_from_the_environment_and_is_named_where_missing(monkeypatch):
    monkeypatch.setenv("PAYESH_SOMEWHERE", "there")
    assert sources.secret("X1", "env:PAYESH_SOMEWHERE") == "there"
    monkeypatch.delenv("PAYESH_SOMEWHERE")
    with pytest.raises(SourceUnreadable, match="source X1: found no environment variable PAYESH_SOMEWHERE"):
        sources.secret("X1", "env:PAYESH_SOMEWHERE")


def test_a_credential_may_be_a_prefect_secret(stack):
    from prefect.blocks.system import Secret

    Secret(value="hidden").save("x1-password", overwrite=True)
    assert sources.secret("X1", "block:x1-password") == "hidden"
    with pytest.raises(SourceUnreadable, match="no Prefect Secret block x1-nothing"):
        sources.secret("X1", "block:x1-nothing")


def test_every_source_of_the_project_is_readable():
    assert set(sources.load_all()) >= {"P01", "P02", "P03", "P04", "P05", "P06", "FIRMS", "FIELD"}


def test_the_schema_for_editors_is_that_of_the_model():
    stored = json.loads((ROOT / "sources" / "source.schema.json").read_text(encoding="utf-8"))
    assert stored == sources.schema(), "run `payesh source schema > sources/source.schema.json`"
