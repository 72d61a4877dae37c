"""Queries at agencies' databases: read only, by blocks, all or nothing."""

import datetime
import sqlite3
import sys

import pytest
import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from methods.errors import SettingWrong, SourceUnreadable
from tasks.edges.fetch import SourceUnreachable, database
from tasks.edges.pulls import Pull, SqlPull


def sql(query, address="{env:URL}", **more):
    return {"kind": "sql", "address": address, "query": query} | more


@pytest.fixture
def plans(tmp_path):
    path = tmp_path / "agency of plans.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table plan (no integer, name text, year integer, changed_on text)")
        connection.executemany(
            "insert into plan values (?, ?, ?, ?)",
            [(1, "دام، طیور", 1403, "2025-01-01"), (2, 'a "b", c', 1403, "2026-05-01"), (3, None, 1402, "2026-05-01")],
        )
    connection.close()
    return {"env:URL": f"sqlite:///{path}"}


def test_a_whole_number_that_a_database_keeps_as_a_float_has_no_point(plans, fetch):
    fetched = fetch(sql("select no * 1.0 as no, 0.5 as half from plan where no = 1"), secrets=plans)
    assert fetched.path.read_text(encoding="utf-8").split() == ["no,half", "1,0.5"]


def test_rows_become_csv(plans, fetch):
    fetched = fetch(sql("select no, name from plan where year = :year order by no"), secrets=plans)
    assert fetched.path.read_text(encoding="utf-8") == 'no,name\n1,"دام، طیور"\n2,"a ""b"", c"\n'.replace(
        '"دام، طیور"', "دام، طیور"
    )
    assert (fetched.file_name, fetched.notes) == ("P04.csv", ("2 rows of a query",))


def test_since_takes_everything_until_there_was_a_delivery(plans, fetch):
    pull = sql("select no from plan where changed_on >= :since order by no")
    assert fetch(pull, secrets=plans).path.read_text() == "no\n1\n2\n3\n"
    assert fetch(pull, since=datetime.date(2026, 1, 1), secrets=plans).path.read_text() == "no\n2\n3\n"


def test_a_parameter_nobody_knows(plans, fetch):
    with pytest.raises(SettingWrong, match="found :month; wanted :phase, :since, :year"):
        fetch(sql("select no from plan where year = :month"), secrets=plans)


def test_a_value_that_is_no_text_is_refused(plans, fetch):
    with pytest.raises(SourceUnreadable, match="column photo: found a value of the type bytes"):
        fetch(sql("select no, x'00ff' as photo from plan"), secrets=plans)
    assert not [*fetch.spool.iterdir()]


def test_a_column_twice_is_refused(plans, fetch):
    with pytest.raises(SourceUnreadable, match="found the columns no, no"):
        fetch(sql("select no, year as no from plan"), secrets=plans)


def test_a_database_that_is_not_there_is_not_made(tmp_path, fetch):
    with pytest.raises(SourceUnreadable, match="unable to open"):
        fetch(sql("select 1", f"sqlite:///{tmp_path}/none.db"))
    assert not (tmp_path / "none.db").exists()


def test_too_many_rows(plans, fetch):
    with pytest.raises(SourceUnreadable, match="more than 20 bytes"):
        fetch(sql("select no, name from plan", largest_bytes=20), secrets=plans)


@pytest.mark.parametrize(
    "query",
    [
        "delete from plan", "select 1; select 2", "with gone as (delete from plan returning *) select * from gone",
        "select * into copy_of_plan from plan", "/* select */ drop table plan", "select 1 for update",
        "select 'it''s' ; -- '\n drop table plan",
    ],
)  # fmt: skip
def test_what_is_not_a_single_query_is_refused(query):
    with pytest.raises(ValidationError, match="wanted a (single select|query that only reads)"):
        TypeAdapter(Pull).validate_python(sql(query))


@pytest.mark.parametrize(
    "query",
    [
        "select 'insert; delete' as word from plan;", "-- of the agency\nwith a as (select 1) select * from a",
        'select "update", updated_at, offset_no from plan', "select [set] from plan -- drop",
    ],
)  # fmt: skip
def test_what_only_looks_like_writing_is_let_through(query):
    assert TypeAdapter(Pull).validate_python(sql(query)).query == query


# PostgreSQL --------------------------------------------------------------------------------------


@pytest.fixture
def ministry(stack):
    from tasks.edges.settings import settings

    url = sa.make_url(settings().database_url).set(drivername="postgresql+psycopg2")
    return {"env:URL": url.render_as_string(hide_password=False)}


def test_every_type_as_text(ministry, fetch):
    fetched = fetch(
        sql(
            "select 1234567890123456789::numeric * 10 as amount, 0.10::numeric as share, date '2026-03-21' as day, "
            "timestamp '2026-03-21 08:30' as at, true as yes, null as nothing, 'متن' as word where :year = 1403"
        ),
        secrets=ministry,
    )
    assert fetched.path.read_text(encoding="utf-8").splitlines() == [
        "amount,share,day,at,yes,nothing,word",
        "12345678901234567890,0.10,2026-03-21,2026-03-21T08:30:00,true,,متن",
    ]


def test_the_server_keeps_the_rows_until_they_are_asked_for(ministry, fetch):
    fetched = fetch(
        sql("select n, (select count(*) from pg_cursors) as cursors from generate_series(1, 25000) as n"),
        secrets=ministry,
    )
    lines = fetched.path.read_text().splitlines()
    assert len(lines) == 25_001 and lines[-1] == "25000,1"


def test_the_transaction_only_reads(ministry, fetch):
    with pytest.raises(SourceUnreadable, match="read-only transaction") as refused:
        fetch(sql("select lo_creat(-1)"), secrets=ministry)
    assert not isinstance(refused.value, SourceUnreachable)


def test_a_source_that_goes_away_in_mid_read_leaves_nothing(ministry, fetch):
    # The third block of 10,000 rows never comes: its backend is terminated on the way.
    query = (
        "select n, case when n = 25000 then pg_terminate_backend(pg_backend_pid()) end as gone "
        "from generate_series(1, 100000) as n"
    )
    with pytest.raises(SourceUnreachable, match="terminat|closed the connection"):
        fetch(sql(query), secrets=ministry)
    assert not [*fetch.spool.iterdir()]


def test_an_answer_that_takes_too_long(ministry, fetch):
    with pytest.raises(SourceUnreachable, match="statement timeout"):
        fetch(sql("select pg_sleep(30)::text", timeout_seconds=1), secrets=ministry)


def test_a_wrong_password_is_neither_shown_nor_tried_again(ministry, fetch):
    url = sa.make_url(ministry["env:URL"]).set(password="wr0ng pass")
    with pytest.raises(SourceUnreadable, match="password authentication failed") as refused:
        fetch(sql("select 1"), secrets={"env:URL": url.render_as_string(hide_password=False)})
    assert "wr0ng" not in str(refused.value) and not isinstance(refused.value, SourceUnreachable)


def test_nobody_at_the_address(fetch):
    with pytest.raises(SourceUnreachable, match="refused"):
        fetch(sql("select 1", "postgresql+psycopg2://u@127.0.0.1:9/plans"))


# SQL Server and Oracle, whose servers are not here: what they would be sent ------------------------


@pytest.mark.parametrize(
    ("address", "compiled"),
    [
        ("mssql+pymssql://u:p@h/d", "select no from plan where year = %(year)s and phase = %(phase)s"),
        ("oracle+oracledb://u:p@h/d", "select no from plan where year = :year and phase = :phase"),
    ],
)
def test_parameters_as_each_database_takes_them(address, compiled):
    engine = database.open_engine(sa.make_url(address), 60)
    statement = sa.text("select no from plan where year = :year and phase = :phase").compile(dialect=engine.dialect)
    assert (str(statement), set(statement.params)) == (compiled, {"year", "phase"})


def test_oracle_reads_in_a_read_only_transaction():
    engine = database.open_engine(sa.make_url("oracle+oracledb://u:p@h/d"), 60)
    assert str(sa.text(database.READ_ONLY["oracle"]).compile(dialect=engine.dialect)) == "set transaction read only"
    assert engine.dialect.name == "oracle"


def test_sql_server_takes_a_snapshot_before_its_transaction_begins():
    sent = []

    class Connection:
        def cursor(self):
            return self

        def execute(self, statement):
            sent.append(statement)

        def close(self):
            pass

        def commit(self):
            sent.append("commit")

        def autocommit(self, is_on):
            assert not is_on

    dialect = database.open_engine(sa.make_url("mssql+pymssql://u:p@h/d"), 60).dialect
    dialect.set_isolation_level(Connection(), dialect._on_connect_isolation_level)
    assert sent == ["SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "commit"]


def test_sql_server_where_nobody_listens(fetch):
    with pytest.raises(SourceUnreachable, match="Connection refused|Unable to connect"):
        fetch(sql("select 1", "mssql+pymssql://u@127.0.0.1:9/plans", timeout_seconds=2))


def test_oracle_where_nobody_listens(fetch):
    with pytest.raises(SourceUnreachable, match="(?i)cannot connect"):
        address = "oracle+oracledb://u:p@127.0.0.1:9/?service_name=plans"
        fetch(sql("select 1", "{env:ORACLE}", timeout_seconds=2), secrets={"env:ORACLE": address})


@pytest.mark.parametrize(
    ("address", "module", "remedy"),
    [
        ("mssql+pymssql://u@h/d", "pymssql", r"Install payesh\[sqlserver\]"),
        ("oracle+oracledb://u@h/d", "oracledb", r"Install payesh\[oracle\]"),
        ("sap+hana://u@h/d", "nothing", "Correct the address"),
    ],
)
def test_a_driver_that_is_not_installed(fetch, monkeypatch, address, module, remedy):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SourceUnreadable, match=remedy):
        fetch(sql("select 1", address))


def test_what_is_no_address(fetch):
    with pytest.raises(SourceUnreadable, match="what is no address of a database") as refused:
        fetch(sql("select 1"), secrets={"env:URL": "server of the agency, pass=1"})
    assert "pass=1" not in str(refused.value)


def test_the_model_of_a_query_is_the_one_that_fetches():
    assert isinstance(TypeAdapter(Pull).validate_python(sql("select 1")), SqlPull)
