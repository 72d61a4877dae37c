"""Other years, the same again in another warehouse, and what Prefect keeps of it."""

import os

import pandas as pd
import pytest
import sqlalchemy as sa
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterName,
    TaskRunFilter,
    TaskRunFilterName,
)

from demo import ministry, scenario
from flows.backfill import backfill
from flows.collect import collect
from flows.prepare import prepare
from flows.pull import pull
from methods.errors import SourceFailed
from methods.period import Period
from tasks.edges import figures, register, warehouse
from tasks.estimate import estimate_figures

SMALL = scenario.load("small")
PERIOD = Period(1403)


def counted(year):
    rows = figures.read(year, level="nation").query("basis == 'counted' and domain == 'all'")
    return rows.set_index("indicator")["estimate"]


def test_past_years_have_their_own_counts(rehearsed):
    for year in (1401, 1402):
        ministry.stage(rehearsed.home, year, "small")
        for stage in (pull, prepare, collect):
            stage(year)
        estimate_figures.fn(Period(year), register.cutoff(Period(year), None))
    for year in (1401, 1402):
        assert counted(year)["supervised_plan_count"] == SMALL.year(year).supervised_plan_count
        assert counted(year)["confirmed_plan_count"] == SMALL.year(year).confirmed_plan_count
    assert counted(1401)["confirmed_plan_count"] != counted(1403)["confirmed_plan_count"]


def test_a_backfill_goes_on_after_a_year_that_failed_and_repeats_none_that_is_done(rehearsed):
    before = figures.read(1403)
    with pytest.raises(SourceFailed) as failure:
        backfill([1400, 1403])
    assert "found 1400: " in str(failure.value)
    assert " 1403: " not in str(failure.value)
    pd.testing.assert_frame_equal(figures.read(1403), before, check_exact=True)


@pytest.fixture
def second_warehouse(rehearsed, monkeypatch):
    first = os.environ["PAYESH_DATABASE_URL"]
    second = first.rsplit("/", 1)[0] + "/again"
    engine = sa.create_engine(first, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text("create database again"))
    monkeypatch.setenv("PAYESH_DATABASE_URL", second)
    yield first, second
    warehouse.forget_connections()
    with engine.connect() as connection:
        connection.execute(sa.text("drop database again with (force)"))
    engine.dispose()


def test_two_runs_with_the_same_seed_write_the_same_figures_bit_for_bit(second_warehouse, monkeypatch):
    first, second = second_warehouse
    for stage in (pull, prepare, collect):
        stage(1403)
    estimate_figures.fn(PERIOD, register.cutoff(PERIOD, None))
    again = figures.read(1403)
    monkeypatch.setenv("PAYESH_DATABASE_URL", first)
    once = figures.read(1403)
    assert len(once) > 10_000
    pd.testing.assert_frame_equal(once, again, check_exact=True)


def test_prefect_keeps_readable_names_tags_and_artifacts(rehearsed):
    stages = ("pull", "prepare", "collect", "publish")
    runs = {f"{flow}-1403-1" for flow in ("full-run", *stages)}
    keys = {"receipts-1403-1", "gate-frame", "bulletin-1403-1"}
    # Asked for by name: by now the suite has left more runs and artifacts than one page holds.
    of_runs = FlowRunFilter(name=FlowRunFilterName(any_=sorted(runs)))
    of_keys = ArtifactFilter(key=ArtifactFilterKey(any_=sorted(keys)))
    printing = TaskRunFilter(name=TaskRunFilterName(like_="print-province-"))
    with get_client(sync_client=True) as client:
        flows = [(run.name, set(run.tags)) for run in client.read_flow_runs(flow_run_filter=of_runs, limit=200)]
        tasks = {run.name for run in client.read_task_runs(task_run_filter=printing, limit=5)}
        artifacts = {artifact.key for artifact in client.read_artifacts(artifact_filter=of_keys, limit=200)}
    assert {name for name, _ in flows} == runs
    # A stage that a test ran by itself bears the same name, and no tag of the whole line.
    for stage in stages:
        assert any(name == f"{stage}-1403-1" and {"year:1403", f"stage:{stage}"} <= tags for name, tags in flows)
    assert any(name.startswith("print-province-") for name in tasks)
    assert artifacts == keys
