"""Lists of recipients as somebody writes them."""

import pytest

from methods.errors import SettingWrong
from tasks.edges import recipients

GOOD = """
ministry: [{address: a@example.invalid, name: دفتر معاونت}]
province:
  03: [{address: a@example.invalid}]
  08: [{address: b@example.invalid}]
agency:
  P01: [{address: c@example.invalid}]
pre_release:
  - {address: d@example.invalid, role: province, code: 03}
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    def run(text):
        path = tmp_path / "people.yaml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("PAYESH_RECIPIENTS", str(path))
        return recipients.load()

    return run


def test_each_role_has_its_list(load):
    found = [(one.address[0], one.role, one.code, one.is_pre_release) for one in load(GOOD)]
    # An unquoted 03 or 08 stays a code.
    assert found == [
        ("a", "ministry", "IR", False), ("a", "province", "03", False), ("b", "province", "08", False),
        ("c", "agency", "P01", False), ("d", "province", "03", True),
    ]  # fmt: skip


def test_the_example_is_in_order_and_goes_nowhere(monkeypatch):
    monkeypatch.delenv("PAYESH_RECIPIENTS", raising=False)
    assert all(one.address.endswith(".example.invalid") for one in recipients.load())
    with pytest.raises(SettingWrong, match="PAYESH_RECIPIENTS: found nothing"):
        recipients.refuse_example()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found no recipient"),
        ("ministry: []", "found no recipient"),
        ("ministry: [", "wanted YAML"),
        ("minstry: [{address: a@example.invalid}]", "minstry"),
        ("ministry: [{address: nobody}]", r"ministry\.0\.address: found 'nobody'"),
        ('ministry: [{address: "a@example.invalid\\nBcc: b@example.invalid"}]', r"ministry\.0\.address"),
        ("ministry: [{address: رئیس@example.invalid}]", "in Latin letters"),
        ('ministry: [{address: a@example.invalid, name: "a\\nb"}]', "a name in one line"),
        ("ministry: [{address: a@example.invalid, role: province}]", "role"),
        ("province: {Tehran: [{address: a@example.invalid}]}", "province.Tehran"),
        ("agency: {p1: [{address: a@example.invalid}]}", "agency.p1"),
        ("pre_release: [{address: a@example.invalid}]", "role"),
        ("ministry: [{address: a@example.invalid}, {address: A@EXAMPLE.invalid}]", "twice"),
        (GOOD + "  - {address: a@example.invalid, role: ministry}", "a@example.invalid ministry IR twice"),
    ],
)
def test_a_list_that_says_what_none_may_is_named(load, text, said):
    with pytest.raises(SettingWrong, match=said) as refused:
        load(text)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PAYESH_RECIPIENTS", str(tmp_path / "none.yaml"))
    with pytest.raises(SettingWrong, match="PAYESH_RECIPIENTS: found .*No such file"):
        recipients.load()
