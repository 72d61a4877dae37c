import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from methods.errors import FrozenConflict
from tasks.edges import warehouse

ROUND = {"year": 1399, "phase": 1}


def allocation(**sizes):
    rows = [
        {
            "province_code": "00", "county_code": code, "stratum_code": code, "eligible_plan_count": size,
            "sample_plan_count": 1, "planning_share": 0.5, "binding_bound": "none",
        }
        for code, size in sizes.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**ROUND)


@pytest.fixture(autouse=True)
def clean(stack):
    warehouse.migrate()
    yield
    with warehouse.transaction() as connection:
        connection.execute(sa.text("delete from sample.allocation where year = 1399"))


def test_migrating_twice_applies_nothing(stack):
    assert warehouse.migrate() == []


def test_replacing_swaps_just_its_partition():
    warehouse.replace("sample.allocation", ROUND, allocation(a=1, b=2))
    other = {"year": 1399, "phase": 2}
    warehouse.replace("sample.allocation", other, allocation(a=5).assign(phase=2))
    receipt = warehouse.replace("sample.allocation", ROUND, allocation(c=3))
    assert receipt.row_count == 1
    assert warehouse.count("sample.allocation", other) == 1


def test_a_failed_replace_leaves_what_was_there():
    warehouse.replace("sample.allocation", ROUND, allocation(a=1))
    twice = pd.concat([allocation(b=1), allocation(b=1)])
    with pytest.raises(Exception, match="duplicate key"):
        warehouse.replace("sample.allocation", ROUND, twice)
    assert warehouse.count("sample.allocation", ROUND) == 1


def test_rows_read_in_parts_are_the_rows_read_at_once():
    warehouse.replace("sample.allocation", ROUND, allocation(**{f"c{place}": place for place in range(7)}))
    query = (
        "select county_code, sample_plan_count, null as nothing from sample.allocation where year = :year order by 1"
    )
    parts = list(warehouse.read_in_parts(query, 3, year=1399))
    assert [len(part) for part in parts] == [3, 3, 1]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), warehouse.read(query, year=1399))
    (empty,) = warehouse.read_in_parts(query, 3, year=1300)
    assert (list(empty), len(empty)) == (["county_code", "sample_plan_count", "nothing"], 0)


def test_content_has_one_hash_in_any_order():
    once = warehouse.replace("sample.allocation", ROUND, allocation(a=1, b=2))
    again = warehouse.replace("sample.allocation", ROUND, allocation(b=2, a=1))
    assert once == again
    assert warehouse.replace("sample.allocation", ROUND, allocation(a=1, b=3)).content_hash != once.content_hash


def test_frozen_rows_accept_an_identical_repeat_and_refuse_any_other():
    first = warehouse.freeze("sample.allocation", ROUND, allocation(a=1, b=2))
    assert warehouse.freeze("sample.allocation", ROUND, allocation(b=2, a=1)) == first
    with pytest.raises(FrozenConflict, match=r"sample\.allocation year=1399"):
        warehouse.freeze("sample.allocation", ROUND, allocation(a=1, b=9))
    assert warehouse.count("sample.allocation", ROUND) == 2


def test_appending_again_adds_nothing():
    warehouse.append("sample.allocation", ROUND, allocation(a=1))
    receipt = warehouse.append("sample.allocation", ROUND, allocation(a=7, b=2))
    assert receipt.row_count == 2
    with warehouse.transaction() as connection:
        kept = connection.execute(
            sa.text("select eligible_plan_count from sample.allocation where year = 1399 and county_code = 'a'")
        ).scalar_one()
    assert kept == 1


GIVEN = ["row_number", "cell"]


def given_table(connection):
    columns = "delivery_id text, row_number integer, cell text"
    connection.execute(sa.text(f"create table public.given ({columns}) partition by list (delivery_id)"))
    connection.execute(sa.text("create table public.given_0 partition of public.given default"))
    return {"delivery_id": "D"}


def test_columns_stream_in_as_rows_do():
    cells = ["a\tb", 'c"d', "e\\f", "g\nh", "i\rj", "\\N", "\\.", "plain", "", " "]
    with warehouse.transaction() as connection:
        partition = given_table(connection)
        blocks = [[pa.array(cells[:4])], [pa.array(["x"]).slice(1)], [pa.array(["x", *cells[4:]]).slice(1)]]
        given = warehouse.TextBlocks(["cell"], blocks)
        assert warehouse.copy_in("public.given", partition, given, connection) == len(cells)
        found = connection.execute(sa.text("select row_number, cell from given order by row_number")).all()
        connection.rollback()
    assert found == [(number, cell or None) for number, cell in enumerate(cells, 1)]


def test_a_delivery_copied_again_takes_the_place_of_its_former_rows():
    with warehouse.transaction() as connection:
        partition = given_table(connection)
        connection.execute(sa.text("insert into given values ('D', 7, 'one by one'), ('E', 1, 'of another')"))
        for rows in ([["1", "a"], ["2", "b"]], [["1", "c"]]):
            warehouse.copy_in("public.given", partition, warehouse.TextRows(GIVEN, rows), connection)
        found = connection.execute(sa.text("select delivery_id, cell from given order by 1")).all()
        connection.rollback()
    assert found == [("D", "c"), ("E", "of another")]


def test_text_streams_in_with_tabs_quotes_and_backslashes():
    cells = ["a\tb", 'c"d', "e\\f", "g\nh", "i\rj", "plain", "", None]
    with warehouse.transaction() as connection:
        partition = given_table(connection)
        rows = ([str(number), cell] for number, cell in enumerate(cells))
        count = warehouse.copy_in("public.given", partition, warehouse.TextRows(GIVEN, rows), connection)
        found = connection.execute(sa.text("select cell from given order by row_number")).scalars().all()
        connection.rollback()
    assert count == len(cells)
    # An empty cell says no more than none.
    assert found == [*cells[:6], None, None]


@pytest.mark.parametrize(("cells", "are_apart"), [(["a", "b", None, None], True), (["a", "b", "a"], False)])
def test_rows_are_apart_where_no_key_is_there_twice(cells, are_apart):
    with warehouse.transaction() as connection:
        connection.execute(sa.text("create table public.sorted (one text, two integer)"))
        rows = [{"one": one, "two": 1} for one in cells]
        connection.execute(sa.text("insert into sorted values (:one, :two)"), rows)
        assert warehouse.are_apart("public.sorted", ["one", "two"], connection) == are_apart
        indexes = connection.execute(sa.text("select indexname from pg_indexes where tablename = 'sorted'")).all()
        connection.rollback()
    assert len(indexes) == are_apart


def test_what_was_laid_out_is_shown_once_and_gone_after_that():
    with warehouse.transaction() as connection:
        partition = given_table(connection)
        connection.execute(sa.text("insert into given values ('D', 1, 'a'), ('D', 2, 'b'), ('E', 1, 'c')"))
        warehouse.show("public.given", partition, {"cell"}, connection)
        connection.execute(sa.text("insert into given values ('D', 3, 'later')"))
    try:
        for rows in (2, 3):
            # The second look makes a copy of its own.
            with warehouse.view_of("public.given", partition, {"cell"}) as view:
                assert list(warehouse.read(f"select * from {view} order by cell")["cell"]) == ["a", "b", "later"][:rows]  # noqa: S608
        assert warehouse.read("select tablename from pg_tables where tablename like 'given\\_%\\_shown'").empty
    finally:
        with warehouse.transaction() as connection:
            connection.execute(sa.text("drop table given"))
