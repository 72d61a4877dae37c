"""Forms as data, held against a real database: what is typed, what is given back and why."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from methods.errors import SettingWrong
from tasks import reference
from tasks.edges import forms, warehouse
from tasks.edges.distinct import MOST_RECURRING, Distinct
from tasks.edges.forms import Form

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "conform_firm.sql"


def test_the_statement_written_for_a_form_is_the_approved_one():
    # Generated SQL is read by people: regenerate it with forms.conformed_rows after a change.
    written = forms.conformed_rows(forms.load_all()["firm"], {})
    assert written == GOLDEN.read_text(encoding="utf-8").rstrip("\n")


def test_every_form_of_the_project_can_be_made_twice(rehearsed):
    for form in forms.load_all().values():
        warehouse.make_tables(forms.table_statements(form))


def test_every_reason_a_form_may_give_is_explained():
    explained = set(pd.read_csv(ROOT / "reference" / "reject_reasons.csv")["reason_code"])
    for form in forms.load_all().values():
        given = {column.reason for column in form.columns.values()} | {rule.reason for rule in form.rules}
        assert given | {"missing", "repeated", "row_width"} <= explained


def test_every_form_says_by_which_delivered_cells_a_patch_replaces(rehearsed):
    for form in forms.load_all().values():
        patch = f"explain {forms.carry_over_rows(form, by_key=True)}"
        change = f"explain {forms.change_statement(form)}"
        with warehouse.transaction() as connection:
            connection.execute(sa.text(patch), {"delivery_id": "a", "former_id": "b"})
            connection.execute(sa.text(change), {"delivery_id": "a", "against": "b"})


def test_a_reason_that_nobody_explains_is_refused(tmp_path, monkeypatch):
    (tmp_path / "odd.yaml").write_text(
        "{form: odd, label_fa: x, key: [b], columns: {b: {kind: code, label_fa: y, required: true}},"
        " rules: [{reason: odd_reason, column: b, breaks: b = 'x'}]}"
    )
    monkeypatch.setenv("PAYESH_FORMS", str(tmp_path))
    with pytest.raises(SettingWrong, match=r"form odd, rules: found .*odd_reason.*reject_reasons"):
        reference.load()


def test_a_key_of_a_column_it_has_not_is_refused(tmp_path, monkeypatch):
    (tmp_path / "odd.yaml").write_text("{form: odd, label_fa: x, key: [a], columns: {b: {kind: text, label_fa: y}}}")
    monkeypatch.setenv("PAYESH_FORMS", str(tmp_path))
    with pytest.raises(SettingWrong, match="columns it does not have: a"):
        forms.load_all()


def test_a_key_of_free_text_is_told_apart_however_long_it_is(stack):
    columns = {"code": {"kind": "code", "label_fa": "x"}, "note": {"kind": "text", "label_fa": "x"}}
    form = Form.model_validate({"form": "odd", "label_fa": "x", "key": ["code", "note"], "columns": columns})
    # Noise, since an index packs what repeats.
    long = "".join(chr(0x20000 + one % 9973) for one in range(1, 60_000, 7))
    for ending, is_apart in (("b", True), ("a", False)):
        with warehouse.transaction() as connection:
            connection.execute(sa.text("create table public.odd (code text, note text)"))
            rows = [{"note": long + "a"}, {"note": long + ending}]
            connection.execute(sa.text("insert into odd values ('1', :note)"), rows)
            assert warehouse.are_apart("public.odd", form.key_marks, connection) == is_apart
            connection.rollback()


LEDGER = Form.model_validate(
    {
        "form": "ledger", "label_fa": "دفتر", "key": ["number"],
        "columns": {
            "number": {"kind": "code", "label_fa": "شماره", "required": True},
            "paid_rial": {"kind": "money", "label_fa": "مبلغ", "minimum": 1},
            "person_count": {"kind": "count", "label_fa": "نفر", "maximum": 9},
            "note": {"kind": "text", "label_fa": "توضیح"},
        },
        "rules": [{"reason": "missing", "column": "note", "breaks": "person_count = 0 and note is null"}],
    }
)  # fmt: skip


def test_an_older_warehouse_no_longer_tells_rows_apart_by_their_number(stack):
    warehouse.migrate()
    make, *others = [one for one in forms.table_statements(LEDGER) if "staging." in one]
    keys = "select count(*) from pg_index where indisprimary and indrelid::regclass::text like 'staging.ledger%'"
    with warehouse.transaction() as connection:
        connection.execute(
            sa.text(make.replace(") partition by", ", primary key (row_number, delivery_id)) partition by"))
        )
        assert connection.execute(sa.text(keys)).scalar_one() == 1
        for statement in others:
            connection.execute(sa.text(statement))
        assert connection.execute(sa.text(keys)).scalar_one() == 0
        connection.rollback()


OF_PERIOD = {"year": 1403, "phase": 1, "delivery_id": "L"}


@pytest.fixture
def conformed(rehearsed):
    """Conform rows of an invented form inside of a transaction that is rolled back."""

    def rows_of(*rows, unit=1):
        with warehouse.transaction() as connection:
            for statement in forms.table_statements(LEDGER):
                connection.execute(sa.text(statement))
            delivered = [(str(number), None, *row) for number, row in enumerate(rows, 1)]
            columns = ["row_number", "row_fault", *LEDGER.columns]
            warehouse.copy_in(
                "landing.ledger", {"delivery_id": "L"}, warehouse.TextRows(columns, delivered), connection
            )
            rows = warehouse.Rowset(forms.conformed_rows(LEDGER, {"paid_rial": unit}), OF_PERIOD)
            table, row_count = warehouse.build("staging.ledger", {"delivery_id": "L"}, rows, connection)
            found = connection.execute(sa.text(f"select * from {table} order by row_number")).mappings().all()
            twice = connection.execute(sa.text(forms.repeated_statement(LEDGER, table))).scalars().all()
            connection.rollback()
        assert row_count == len(found) == len(delivered)
        assert all(row.items() >= OF_PERIOD.items() for row in found)
        return [{name: cell for name, cell in row.items() if name not in OF_PERIOD} for row in found], twice

    return rows_of


def test_cells_are_typed_in_units_of_the_source(conformed):
    (row,), _ = conformed(("A-۱", "1.5", "۷", " x "), unit=1_000_000)
    assert row == {
        "row_number": 1, "number": "A-1", "paid_rial": 1_500_000, "person_count": 7, "note": "x", "faults": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("joined", "few"),
    [((), {}), (("kind",), {}), ((), {"kind": ["x", "ـ"]})],
    ids=["looked up", "joined", "tried first"],
)
def test_values_read_once_reach_their_rows(rehearsed, joined, few):
    kind = {"kind": "choice", "label_fa": "نوع", "required": True, "choices": {"a": "x"}}
    form = Form.model_validate({"form": "sort", "label_fa": "x", "key": ["kind"], "columns": {"kind": kind}})
    cells = ["x", "y", "ـ", "z" * 300, "", "x"]
    with warehouse.transaction() as connection:
        for statement in forms.table_statements(form):
            connection.execute(sa.text(statement))
        delivery = "select delivery_id from landing.delivery limit 1"
        own = OF_PERIOD | {"delivery_id": connection.execute(sa.text(delivery)).scalar_one()}
        partition = {"delivery_id": own["delivery_id"]}
        rows = [(str(number), cell) for number, cell in enumerate(cells)]
        given = warehouse.TextRows(["row_number", "kind"], rows)
        warehouse.copy_in("landing.sort", partition, given, connection)
        read = pd.DataFrame({"delivered": ["x", "y", "ـ"], "value": ["a", None, None]}, dtype=object)
        read["reason_code"] = [None, "choice_unknown", None]
        warehouse.append("staging.delivered_value", partition, read.assign(column_name="kind", **partition), connection)
        written = forms.conformed_rows(form, {}, joined, (), few)
        whole = warehouse.Rowset(written, own | forms.few_parameters(few))
        table, _ = warehouse.build("staging.sort", partition, whole, connection)
        found = connection.execute(sa.text(f"select kind, faults from {table} order by row_number")).all()
        connection.rollback()
    unknown = [(None, [f"choice_unknown kind {cell}"]) for cell in cells[1:4]]
    assert found == [("a", None), *unknown, (None, ["missing kind"]), ("a", None)]


def test_cells_that_recur_are_read_as_each_row_would_be(rehearsed):
    kinds = {
        "label": {"kind": "name", "label_fa": "x"}, "paid_rial": {"kind": "money", "label_fa": "x", "minimum": 5},
        "share": {"kind": "decimal", "label_fa": "x"}, "size": {"kind": "count", "label_fa": "x", "maximum": 9},
    }  # fmt: skip
    form = Form.model_validate({"form": "again", "label_fa": "x", "key": ["size"], "columns": kinds})
    cells = ["", " ", "۱٫۵", "7", "1.5", "12", "1,234", "(3)", "علي  رضا", "ـ", 'a"b\\c', "9" * 19, "4.50"]
    blocks = [[pa.array(cells, pa.string()) for _ in kinds]]
    seen = Distinct(form, list(kinds))
    list(seen.watched(blocks))
    with warehouse.transaction() as connection:
        for statement in forms.table_statements(form):
            connection.execute(sa.text(statement))
        delivery = "select delivery_id from landing.delivery limit 1"
        own = OF_PERIOD | {"delivery_id": connection.execute(sa.text(delivery)).scalar_one()}
        partition = {"delivery_id": own["delivery_id"]}
        given = warehouse.TextRows(
            ["row_number", *kinds], [(str(number), *[cell] * len(kinds)) for number, cell in enumerate(cells)]
        )
        warehouse.copy_in("landing.again", partition, given, connection)
        warehouse.replace("landing.distinct_value", partition, seen.rows(own["delivery_id"]), connection)
        recurring = connection.execute(sa.text(forms.recurring_statement(form)), partition).scalars().all()
        assert sorted(recurring) == sorted(kinds)
        units, few = {"paid_rial": 10}, {name: cells[2:6] for name in kinds}
        read_once, tried_first, read_each = [
            connection.execute(
                sa.text(forms.conformed_rows(form, units, (), names, some) + " order by row_number"),
                own | forms.few_parameters(some),
            ).all()
            for names, some in ((recurring, {}), (recurring, few), ((), {}))
        ]
        connection.rollback()
    assert read_once == tried_first == read_each
    assert len({row.paid_rial for row in read_each}) > 3


def test_a_column_is_read_once_a_cell_only_where_every_cell_is_known():
    columns = {"a": {"kind": "name", "label_fa": "x"}, "b": {"kind": "code", "label_fa": "x"}}
    form = Form.model_validate({"form": "s", "label_fa": "x", "key": ["b"], "columns": columns})
    for cells in (["x" * (forms.LONGEST_READ_ONCE + 1)], [str(number) for number in range(MOST_RECURRING + 1)]):
        seen = Distinct(form, ["a"])
        list(seen.watched([[pa.array(["y"])], [pa.array(cells)], [pa.array(["z"])]]))
        assert seen.rows("D").empty


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("", "1", "1", ""), "missing number"),
        (("A" * 101, "1", "1", ""), "code_too_long number " + "A" * 101),
        (("ـ", "1", "1", ""), "missing number ـ"),
        (("A", "0", "1", ""), "number_out_of_range paid_rial 0"),
        (("A", "1.5", "1", ""), "number_out_of_range paid_rial 1.5"),
        (("A", " x y", "1", ""), "number_out_of_range paid_rial  x y"),
        (("A", "1" + "0" * 30, "1", ""), "number_out_of_range paid_rial 1" + "0" * 30),
        (("A", "دو", "1", ""), "number_out_of_range paid_rial دو"),
        (("A", "1", "10", ""), "number_out_of_range person_count 10"),
        (("A", "1", "0", ""), "missing note"),
    ],
)
def test_a_cell_that_cannot_be_is_given_back_by_its_column(conformed, row, fault):
    (found,), _ = conformed(row)
    assert found["faults"] == [fault]


def test_every_fault_of_a_row_is_told_at_once(conformed):
    (found,), _ = conformed(("", "x", "0", ""))
    assert found["faults"] == ["missing number", "number_out_of_range paid_rial x", "missing note"]


def test_the_first_row_of_a_key_stays_and_the_later_ones_are_repeats(conformed):
    _, twice = conformed(("A", "1", "1", ""), ("a", "1", "1", ""), ("A", "2", "1", ""), ("", "1", "1", ""))
    assert twice == [3]
