"""Gates: judge a batch by a Great Expectations suite and keep the result."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from methods.errors import GateRefused, SettingWrong
from tasks.edges import warehouse
from tasks.edges.settings import ROOT, settings

SUITES = ROOT / "expectations"
# Kinds of expectations that say all they look at.
_OF_NAMED_COLUMNS = (
    "expect_table_row_count_", "expect_column_values_", "expect_column_pair_values_", "expect_compound_columns_",
)  # fmt: skip
# Its queries count the rows of a table one after the other: each on all cores.
_ALL_CORES = "-c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=1MB"
# Great Expectations keeps one context a process, so batches are judged one after the other.
_LOCK = threading.Lock()
_TO_PERSIAN = str.maketrans("0123456789%,", "۰۱۲۳۴۵۶۷۸۹٪٬")


@dataclass(frozen=True)
class Finding:
    """One expectation held against a batch.

    Attributes:
        rule: what is expected, in English for the run and in Persian (`rule_fa`) for the agency.
        severity: critical, warning or info.
        is_success: whether it is met.
        observed: what was found.
        threshold_fa: how much is asked.
        row_count: rows that break it, where rows were judged.
    """

    rule: str
    severity: str
    is_success: bool
    observed: str
    rule_fa: str = ""
    threshold_fa: str | None = None
    row_count: int | None = None


@dataclass(frozen=True)
class Judgement:
    """What a suite says of a batch."""

    suite: str
    batch: str
    findings: Sequence[Finding]

    @property
    def failed(self) -> list[Finding]:
        """Expectations that were not met, of any severity."""
        return [finding for finding in self.findings if not finding.is_success]

    @property
    def critical(self) -> list[Finding]:
        """Expectations whose failure stops the batch."""
        return [finding for finding in self.failed if finding.severity == "critical"]

    def markdown(self) -> str:
        """Render the judgement as a table for people."""
        lines = [f"### {self.suite} · {self.batch}", "", "| rule | severity | result | observed |", "|---|---|---|---|"]
        for finding in self.findings:
            mark = "met" if finding.is_success else "**not met**"
            lines.append(f"| {finding.rule} | {finding.severity} | {mark} | {finding.observed} |")
        return "\n".join(lines)


def judge(suite: str, batch: str, rows: pd.DataFrame, limits: Mapping[str, Any]) -> Judgement:
    """Hold a batch against a suite, and store the result.

    Args:
        suite: path below `expectations/` without ending, such as `form/loan_plan`.
        batch: name of the batch in the stored result.
        rows: the batch, or one row of its measures.
        limits: of guideline `validation`, by the names that suites give them as `$PARAMETER` and in their labels.

    Returns:
        The judgement; whether it stops the flow is the caller's decision.
    """
    document = _document(suite)
    amounts = _amounts(limits)
    result = _validate(document, rows, amounts)
    findings = [_finding(one, rows, amounts) for one in result["results"]]
    judgement = Judgement(suite, batch, findings)
    _store(judgement, result)
    return judgement


def judge_table(suite: str, batch: str, table: str, limits: Mapping[str, Any]) -> Judgement:
    """Hold the rows of one delivery against a suite, in the database, and store the result.

    Args:
        suite: path below `expectations/` without ending, such as `form/loan_plan`.
        batch: delivery_id, also the name of the batch in the stored result.
        table: staging table of its form.
        limits: see `judge`.
    """
    document = _document(suite)
    # Great Expectations would fetch every row of a query it is given.
    with warehouse.view_of(table, {"delivery_id": batch}, columns_of(suite)) as view:
        result = _validate_view(document, view, amounts := _amounts(limits))
    judgement = Judgement(suite, batch, [_finding(one, pd.DataFrame(), amounts) for one in result["results"]])
    _store(judgement, result)
    return judgement


def columns_of(suite: str) -> set[str] | None:
    """Name the columns a suite looks at; None where it may look at any, or names none."""
    named: set[str] = set()
    for one in _document(suite)["expectations"]:
        kwargs = one["kwargs"]
        if not one["type"].startswith(_OF_NAMED_COLUMNS) or "row_condition" in kwargs:
            return None
        named.update(kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs)
        named.update(kwargs.get("column_list", ()))
    return named or None


def stored(batch: str) -> list[Judgement]:
    """Look up the newest judgement of each suite over a batch."""
    rows = warehouse.read("staging/validation.sql", batch=batch)
    return [
        Judgement(str(row["suite"]), batch, [Finding(**finding) for finding in row["findings"]])
        for row in rows.to_dict("records")
    ]


def refuse_if_critical(judgement: Judgement) -> Judgement:
    """Pass a judgement on, unless a critical expectation failed.

    Raises:
        GateRefused: names the first expectations that failed.
    """
    if judgement.critical:
        raise GateRefused(
            place=f"gate {judgement.suite}, {judgement.batch}",
            found="; ".join(f"{finding.rule}: {finding.observed}" for finding in judgement.critical[:3]),
            wanted="every critical expectation met",
            remedy="The artifact of this run and control.validation show each expectation.",
        )
    return judgement


def _document(suite: str) -> dict[str, Any]:
    path = SUITES / f"{suite}.json"
    if not path.is_file():
        raise SettingWrong(
            place=f"suite {suite}",
            found="no such file",
            wanted=f"the expectations of {suite.partition('/')[2]} in expectations/{suite}.json",
            remedy="Write it; expectations/form/firm.json shows how.",
        )
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _amounts(limits: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(limit) for name, limit in limits.items()}


def _validate(document: dict[str, Any], rows: pd.DataFrame, limits: dict[str, float]) -> dict[str, Any]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # Importing costs seconds, so only a process that judges pays for it.
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with _LOCK:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_pandas("batch")
        definition = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("whole")
        batch = definition.get_batch({"dataframe": rows})
        suite = gx.ExpectationSuite(**document)
        result = batch.validate(suite, result_format="SUMMARY", expectation_parameters=limits)
        answer: dict[str, Any] = result.to_json_dict()
        return answer


def _validate_view(document: dict[str, Any], view: str, limits: dict[str, float]) -> dict[str, Any]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    schema, _, name = view.partition(".")
    with _LOCK:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        source = context.data_sources.add_postgres("warehouse", connection_string=_address())
        asset = source.add_table_asset("rows", table_name=name, schema_name=schema)
        batch = asset.add_batch_definition_whole_table("whole").get_batch()
        suite = gx.ExpectationSuite(**document)
        result = batch.validate(suite, result_format="BASIC", expectation_parameters=limits)
        answer: dict[str, Any] = result.to_json_dict()
        return answer


def _address() -> str:
    address = sa.make_url(settings().database_url)
    own = str(address.query.get("options", ""))
    return address.update_query_dict({"options": f"{own} {_ALL_CORES}".strip()}).render_as_string(hide_password=False)


def _finding(one: dict[str, Any], rows: pd.DataFrame, limits: dict[str, float]) -> Finding:
    config, result = one["expectation_config"], one.get("result", {})
    meta = config.get("meta", {})
    label = str(meta.get("label") or f"{config['type']} {config['kwargs'].get('column', '')}")
    label = label.format(**limits).replace("%", " %")
    if one.get("exception_info", {}).get("raised_exception"):
        observed = one["exception_info"].get("exception_message")
    else:
        observed = _observed(config["kwargs"], result, rows)
    told_fa = {
        name: str(meta[name]).format(**limits).translate(_TO_PERSIAN)
        for name in ("label_fa", "threshold_fa")
        if meta.get(name)
    }
    return Finding(
        rule=label,
        severity=config.get("severity") or "critical",
        is_success=bool(one["success"]),
        observed=str(observed),
        rule_fa=told_fa.get("label_fa", label),
        threshold_fa=told_fa.get("threshold_fa"),
        # A gate's batch is one row of measures: what breaks the rule is no row of the delivery.
        row_count=None if len(rows) == 1 else result.get("unexpected_count"),
    )


def _observed(kwargs: dict[str, Any], result: dict[str, Any], rows: pd.DataFrame) -> Any:
    if len(rows) == 1 and kwargs.get("column") in rows:
        # A gate's batch is one row of measures: the measure itself says most.
        return rows[kwargs["column"]].iloc[0]
    if "unexpected_count" not in result:
        return result.get("observed_value")
    examples = " ".join(str(value) for value in result.get("partial_unexpected_list", [])[:3])
    return f"{result['unexpected_count']} of {result.get('element_count', '?')} {examples}".strip()


def _store(judgement: Judgement, result: dict[str, Any]) -> None:
    with warehouse.transaction() as connection:
        connection.execute(
            sa.text(
                "insert into control.validation (suite, batch, is_success, result, findings)"
                " values (:suite, :batch, :ok, cast(:result as jsonb), cast(:findings as jsonb))"
            ),
            {
                "suite": judgement.suite,
                "batch": judgement.batch,
                "ok": not judgement.critical,
                "result": json.dumps(result, ensure_ascii=False, default=str),
                "findings": json.dumps([asdict(finding) for finding in judgement.findings], ensure_ascii=False),
            },
        )
