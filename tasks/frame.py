"""Frame stage, work: the only code that writes schema `frame`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from prefect import task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from sqlalchemy.engine import Connection

from methods import calendar, frame, persian
from methods.errors import FrameMismatch
from methods.guideline import Section
from methods.period import Period
from tasks.edges import forms, law, linkage, register, review, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt, Rowset

# Counties shown beside the agencies: those farthest from what was declared.
COUNTIES_SHOWN = 20
PAIR_COLUMNS = ("plan_id_left", "plan_id_right", "match_weight", "match_probability", "decision", "decided_by")


@task(task_run_name="assemble-frame-{period}", cache_policy=NO_CACHE)
def assemble_frame(period: Period, without: tuple[str, ...] = ()) -> Receipt:
    """Bring the accepted plans together, count a plan of two agencies once, keep those that may be drawn."""
    rules = law.section("frame", period)
    parameters = {
        **_partition(period),
        "without": list(without),
        "rules": json.dumps(frame.eligibility_rules(rules)),
    }
    with linkage.workspace() as workspace:
        with warehouse.transaction() as connection:
            warehouse.run(connection, "frame/candidate.sql", **parameters, clusters="[]")
            _refuse_misplaced(period, connection)
            size = _rows(connection, "frame/linkage_size.sql").iloc[0]
            if not size["plan_without_id_count"]:
                _write_pairs(period, rules, pd.DataFrame(columns=["comparison", "level"]), _no_pairs(), connection)
                return _write_frame(period, connection)
            linkage.lay_out(workspace, Rowset("frame/linkage_plan.sql", {}), connection)
        model = frame.settle_model(linkage.train(workspace, rules), rules)
        prior = frame.prior_probability(int(size["same_pair_count"]), int(size["plan_with_id_count"]))
        scored = linkage.score_pairs(workspace, model, prior, rules)
    reviewed = warehouse.read("frame/review.sql", **_partition(period))
    pairs = frame.decide_pairs(scored, reviewed, rules)
    clusters = frame.clusters(pairs[pairs["decision"] == "linked"])
    with warehouse.transaction() as connection:
        warehouse.run(connection, "frame/candidate.sql", **parameters, clusters=clusters.to_json(orient="records"))
        _write_pairs(period, rules, model.assign(prior_probability=prior), pairs, connection)
        return _write_frame(period, connection)


@task(task_run_name="hand-out-review-{period}", cache_policy=NO_CACHE)
def hand_out_review(period: Period) -> Receipt:
    """Lay the pairs in doubt out for a clerk; where there is none, no list lies about."""
    pairs = warehouse.read("frame/review_list.sql", **_partition(period))
    path = _outbox(period) / "linkage_review.xlsx"
    if pairs.empty:
        path.unlink(missing_ok=True)
        return Receipt(path.name, str(period), 0, "no pair in doubt")
    path.parent.mkdir(parents=True, exist_ok=True)
    words = persian.digits(f"سال {period.year}، دورهٔ {period.phase}")
    review.write_workbook(path, _in_words(pairs), words, register.rests_on_rehearsal(period))
    create_link_artifact(key=f"linkage-review-{period}", link=path.as_uri(), link_text=f"{len(pairs)} pairs in doubt")
    return Receipt(path.name, str(period), len(pairs), "in doubt")


@task(task_run_name="verify-at-desk-{period}", cache_policy=NO_CACHE)
def verify_at_desk(period: Period) -> Receipt:
    """Set beside each plan what insurance, SMS and phone say, before anyone drives."""
    rules, partition = law.section("frame", period), _partition(period)
    with warehouse.transaction() as connection:
        warehouse.run(connection, "frame/desk_fact.sql", **partition)
        found = _rows(connection, "frame/desk_combination.sql")
        # Few combinations among many plans: each is judged once.
        found["desk_status"] = frame.desk_status(found, rules)
        statuses = found[["combination", "desk_status"]].to_json(orient="records")
        rows = Rowset("frame/desk_verification.sql", {**partition, "statuses": statuses, "guideline": rules.version})
        return warehouse.replace("frame.desk_verification", partition, rows, within=connection)


@task(task_run_name="measure-coverage-{period}", cache_policy=NO_CACHE)
def measure_coverage(period: Period, without: tuple[str, ...] = ()) -> Receipt:
    """Hold the frame against what each agency says it lent, and show it."""
    partition = _partition(period)
    rows = Rowset("frame/coverage.sql", {**partition, "without": list(without)})
    receipt = warehouse.replace("frame.coverage", partition, rows)
    show_coverage(period)
    return receipt


def show_coverage(period: Period) -> None:
    """Show the frame against the agencies' own totals, in Persian, as a table of the run."""
    labels = frame.reason_labels(law.section("frame", period))
    rows = warehouse.read("frame/coverage_table.sql", **_partition(period), county_count=COUNTIES_SHOWN)
    table = [_coverage_row(dict(row), labels) for _, row in rows.astype(object).iterrows()]
    create_table_artifact(
        key=f"coverage-{period}", table=table,
        description=f"پوشش چارچوب {persian.digits(str(period))} در برابر جمع اعلامی دستگاه‌ها",
    )  # fmt: skip


def _coverage_row(row: Mapping[Any, Any], labels: dict[str, str]) -> dict[str, str]:
    excluded = "، ".join(
        f"{labels.get(reason, reason)}: {persian.number(count)}"
        for reason, count in sorted(row["excluded_by_reason"].items())
    )
    return {
        "دستگاه": row["agency_code"],
        "شهرستان": row["county_name"] or ("کل" if row["county_code"] == "all" else row["county_code"]),
        "اعلامی": _count(row["declared_plan_count"]),
        "تحویل‌شده": _count(row["delivered_plan_count"]),
        "پذیرفته": _count(row["accepted_plan_count"]),
        "در چارچوب": _count(row["eligible_plan_count"]),
        "کنارگذاشته": excluded or "—",
        "سهم طرح": "—" if pd.isna(row["plan_share"]) else persian.percent(row["plan_share"]),
        "سهم مبلغ": "—" if pd.isna(row["loan_share"]) else persian.percent(row["loan_share"]),
    }


def _count(value: Any) -> str:
    return "—" if pd.isna(value) else persian.number(int(value))


def _partition(period: Period) -> dict[str, int]:
    return {"year": period.year, "phase": period.phase}


def _outbox(period: Period) -> Path:
    return settings().outbox / str(period)


def _rows(connection: Connection, file: str) -> pd.DataFrame:
    result = connection.execute(sa.text(Rowset(file, {}).body))
    return pd.DataFrame(result.fetchall(), columns=list(result.keys()))


def _in_words(pairs: pd.DataFrame) -> pd.DataFrame:
    kinds = forms.load_all()["loan_plan"].columns["plan_kind"].choices
    words = pairs.astype(object)
    for side in ("left", "right"):
        for name in ("approved_on", "paid_on"):
            words[f"{name}_{side}"] = pairs[f"{name}_{side}"].map(calendar.jalali_text_fa)
        words[f"plan_kind_{side}"] = pairs[f"plan_kind_{side}"].map(kinds)
    return words


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame(columns=list(PAIR_COLUMNS))


def _refuse_misplaced(period: Period, connection: Connection) -> None:
    """Stop where a county has moved to another province since its plans were read."""
    rows = _rows(connection, "frame/misplaced_plan.sql")
    if rows.empty:
        return
    first = rows.iloc[0]
    raise FrameMismatch(
        place=f"frame {period}, delivery {first['delivery_id']}, county {first['county_code']}"
        f" ({first['county_name'] or 'unknown'})",
        found=f"{int(first['plan_count'])} plans in province {first['province_code']} ({first['province_name']});"
        f" {len(rows)} such places in all",
        wanted=f"province {first['wanted_province_code']} ({first['wanted_province_name']}), where the county lies now",
        remedy="If the county changed province, deliver the plans under the new one; else mend reference/counties.csv.",
    )


def _write_pairs(
    period: Period, rules: Section, model: pd.DataFrame, pairs: pd.DataFrame, connection: Connection
) -> None:
    """Keep each pair with its score, and the probabilities it rests on."""
    partition = _partition(period)
    compared = list(dict.fromkeys(model["comparison"]))
    levels = pairs.reindex(columns=compared).to_json(orient="records", lines=True).split("\n")[: len(pairs)]
    kept = pairs[list(PAIR_COLUMNS)].assign(comparison_levels=levels, guideline=rules.version, **partition)
    warehouse.replace("frame.linkage_model", partition, model.assign(guideline=rules.version, **partition), connection)
    warehouse.replace("frame.linked_pair", partition, kept, connection)


def _write_frame(period: Period, connection: Connection) -> Receipt:
    partition = _partition(period)
    excluded = Rowset("frame/excluded_plan.sql", partition)
    warehouse.replace("frame.excluded_plan", partition, excluded, within=connection)
    eligible = Rowset("frame/eligible_plan.sql", partition)
    return warehouse.replace("frame.eligible_plan", partition, eligible, within=connection)
