"""Record linkage in the warehouse: which pairs of plans may be one, and how much speaks for it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from methods.errors import SettingWrong
from tasks.edges import warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Rowset

if TYPE_CHECKING:
    from splink.backends.postgres import PostgresAPI

BLOCKING_COLUMNS = ("province_code", "county_code", "name_key", "loan_paid_rial", "approved_on", "paid_on", "plan_kind")
# Two agencies' plans, of which one at least has no ID; who has one was matched by it.
ASKED = (
    "l.agency_code <> r.agency_code and l.is_single and r.is_single"
    " and (l.national_id is null or r.national_id is null)"
)
# People whose ID two agencies know teach how the two write one plan.
TAUGHT = "l.national_id = r.national_id and l.agency_code <> r.agency_code"
# Random pairs are hardly ever one plan, but among those with one ID every other one is a fair start.
START_PRIOR = 0.5
SCORE_DIGITS = 6

Levels = Mapping[str, str]


@contextmanager
def workspace() -> Iterator[str]:
    """Name a schema to compare plans in; whatever was laid out there is gone at the end."""
    schema = f"linkage_{secrets.token_hex(6)}"
    try:
        yield schema
    finally:
        with warehouse.transaction() as connection:
            warehouse.run(connection, "set local client_min_messages = warning")
            warehouse.run(connection, f"drop schema if exists {schema} cascade")


def lay_out(schema: str, plans: Rowset, within: Connection) -> None:
    """Lay plans out in the workspace; they can be compared once the transaction is committed.

    Args:
        schema: the workspace.
        plans: columns of BLOCKING_COLUMNS, and plan_id, agency_code, national_id, activity_code, is_single.
        within: a transaction that sees them.
    """
    warehouse.run(within, f"create schema {schema}")
    # A name of its own too, since splink looks the columns of a table up by its bare name.
    warehouse.run(within, f"create table {schema}.{schema}_plan as {plans.body}", **plans.parameters)
    warehouse.run(within, f"analyze {schema}.{schema}_plan")


def train(schema: str, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Estimate how often the two registrations of one plan agree, and how often those of two plans do.

    u comes from every pair of a sample of plans by hash, m by expectation maximisation over the pairs of
    two agencies with one national ID. Nothing is drawn at random.

    Returns:
        comparison, level, m_probability, u_probability [null where nothing was seen], m_pair_count, u_pair_count.
    """
    comparisons = _comparisons(rules["linkage_tolerances"])
    sample = f"{schema}_sample"
    with _engine(schema) as engine, engine.begin() as connection:
        size = {"plan_count": int(rules["linkage_training"]["u_sample_plan_count"])}
        connection.execute(
            sa.text(
                f"create table {sample} as select * from {schema}_plan where is_single"  # noqa: S608
                " order by md5(plan_id), plan_id limit :plan_count"
            ),
            size,
        )
        sampled = connection.execute(sa.text(f"select count(*) from {sample}")).scalar_one()  # noqa: S608
        taught = connection.execute(
            sa.text(f"select count(*) from {schema}_plan as l inner join {schema}_plan as r on {TAUGHT}")  # noqa: S608
        ).scalar_one()
    u_pair_count, m_pair_count = sampled * (sampled - 1) // 2, taught // 2
    rows = _levels(comparisons)
    with _engine(schema) as engine:
        u = _train_u(_api(engine, schema), sample, comparisons, u_pair_count) if u_pair_count else {}
        start = rules["linkage_m_probability"]
        m = _train_m(_api(engine, schema), f"{schema}_plan", comparisons, start, u) if m_pair_count and u else {}
    keys = list(zip(rows["comparison"], rows["level"], strict=True))
    return rows.assign(
        m_probability=[m.get(key, float("nan")) for key in keys],
        u_probability=[u.get(key, float("nan")) for key in keys],
        m_pair_count=m_pair_count,
        u_pair_count=u_pair_count,
    )


def score_pairs(schema: str, model: pd.DataFrame, prior: float, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Score the pairs that some block brings together, from the least probability that is kept on.

    Args:
        schema: where the plans were laid out.
        model: comparison, level, m_probability, u_probability.
        prior: probability that two random plans are one.
        rules: linkage_blocking, linkage_tolerances, linkage_thresholds.

    Returns:
        plan_id_left, plan_id_right (the lesser on the left), match_weight, match_probability, national_id_left,
        national_id_right, and a column a comparison with the level of agreement; by pair.

    Raises:
        SettingWrong: a block names a column plans are not compared on.
    """
    comparisons = _comparisons(rules["linkage_tolerances"])
    keys = zip(model["comparison"], model["level"], strict=True)
    chances = dict(zip(keys, zip(model["m_probability"], model["u_probability"], strict=True), strict=True))
    asked = [{"blocking_rule": rule, "sql_dialect": "postgres"} for rule in _blocks(rules["linkage_blocking"])]
    said = _settings(comparisons, prior, chances) | {
        "blocking_rules_to_generate_predictions": asked,
        "retain_matching_columns": True,
        "additional_columns_to_retain": ["national_id"],
    }
    with _engine(schema) as engine:
        linker = _linker(_api(engine, schema), f"{schema}_plan", said)
        kept = float(rules["linkage_thresholds"]["kept"])
        found = linker.inference.predict(threshold_match_probability=kept, warning_mode="never")
        rows = pd.DataFrame(found.as_dict())
    return _tidy(rows, comparisons)


def _comparisons(tolerances: Mapping[str, str]) -> dict[str, Levels]:
    """Write, a comparison, what holds on each level; the first that holds counts, the last always does."""
    near, far = (int(tolerances[name]) for name in ("name_edit_count", "name_far_edit_count"))
    days, share = int(tolerances["day_count"]), float(tolerances["loan_share"])
    edits, loan = "levenshtein(name_key_l, name_key_r)", "loan_paid_rial"

    def date(name: str) -> Levels:
        return {
            "equal": f"{name}_l = {name}_r",
            "near": f"abs({name}_l - {name}_r) <= {days}",
            "other": "ELSE",
        }

    return {
        "name": {
            "equal": "name_key_l = name_key_r",
            "near": f"{edits} <= {near}",
            "far": f"{edits} <= {far}",
            "other": "ELSE",
        },
        "county": {
            "equal": "county_code_l = county_code_r",
            "same_province": "province_code_l = province_code_r",
            "other": "ELSE",
        },
        "loan": {
            "equal": "loan_paid_rial_l = loan_paid_rial_r",
            "near": f"abs({loan}_l - {loan}_r) <= {share} * greatest({loan}_l, {loan}_r)",
            "other": "ELSE",
        },
        "approved_on": date("approved_on"),
        "paid_on": date("paid_on"),
        "activity": {
            "equal": "activity_code_l = activity_code_r",
            "same_division": "left(activity_code_l, 2) = left(activity_code_r, 2)",
            "other": "ELSE",
        },
        "plan_kind": {"equal": "plan_kind_l = plan_kind_r", "other": "ELSE"},
    }


# The column that is empty where a comparison says nothing.
_COMPARED = {"name": "name_key", "county": "county_code", "loan": "loan_paid_rial", "activity": "activity_code"}


def _levels(comparisons: Mapping[str, Levels]) -> pd.DataFrame:
    rows = [(comparison, level) for comparison, levels in comparisons.items() for level in levels]
    return pd.DataFrame(rows, columns=["comparison", "level"])


def _blocks(blocks: Sequence[Sequence[str]]) -> list[str]:
    unknown = sorted({name for block in blocks for name in block} - set(BLOCKING_COLUMNS))
    if unknown or not all(blocks):
        raise SettingWrong(
            place="guideline frame, linkage_blocking",
            found=", ".join(unknown) or "a block without columns",
            wanted=f"some of {', '.join(BLOCKING_COLUMNS)}",
        )
    return [" and ".join([*(f"l.{name} = r.{name}" for name in block), ASKED]) for block in blocks]


Chances = Mapping[tuple[str, str], tuple[float | None, float | None]]


def _settings(comparisons: Mapping[str, Levels], prior: float, chances: Chances) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "plan_id",
        "probability_two_random_records_match": prior,
        "comparisons": [_comparison(name, levels, chances) for name, levels in comparisons.items()],
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False,
    }


def _comparison(name: str, levels: Levels, chances: Chances) -> dict[str, Any]:
    column = _COMPARED.get(name, name)
    is_null = f"{column}_l is null or {column}_r is null"
    written: list[dict[str, Any]] = [{"sql_condition": is_null, "label_for_charts": "null", "is_null_level": True}]
    for level, condition in levels.items():
        one: dict[str, Any] = {"sql_condition": condition, "label_for_charts": level}
        m, u = chances.get((name, level), (None, None))
        written.append(one | ({} if m is None else {"m_probability": m}) | ({} if u is None else {"u_probability": u}))
    return {"output_column_name": name, "comparison_levels": written}


def _train_u(api: PostgresAPI, table: str, comparisons: Mapping[str, Levels], pair_count: int) -> dict[Any, float]:
    linker = _linker(api, table, _settings(comparisons, START_PRIOR, {}))
    # More pairs asked for than there are: every pair is taken, none by chance.
    linker.training.estimate_u_using_random_sampling(2 * pair_count + 2, min_count_per_level=None, num_chunks=1)
    return _trained(linker, "u_probability")


def _train_m(
    api: PostgresAPI, table: str, comparisons: Mapping[str, Levels], start: Mapping[str, Any], u: Mapping[Any, float]
) -> dict[Any, float]:
    chances = {
        (name, level): (float(start[name][level]) if level in start.get(name, {}) else None, u.get((name, level)))
        for name, levels in comparisons.items()
        for level in levels
    }
    linker = _linker(api, table, _settings(comparisons, START_PRIOR, chances))
    linker.training.estimate_parameters_using_expectation_maximisation(TAUGHT, fix_u_probabilities=True)
    return _trained(linker, "m_probability")


def _trained(linker: Any, name: str) -> dict[Any, float]:
    model = linker.misc.save_model_to_json()
    return {
        (comparison["output_column_name"], level["label_for_charts"]): float(level[name])
        for comparison in model["comparisons"]
        for level in comparison["comparison_levels"]
        if isinstance(level.get(name), float) and not level.get("is_null_level")
    }


def _linker(api: PostgresAPI, table: str, said: dict[str, Any]) -> Any:
    from splink import Linker

    # It would narrate every step; the model it comes to is kept in the warehouse.
    logging.getLogger("splink").setLevel(logging.ERROR)
    return Linker(api.register(table), said, log_level=None)


def _api(engine: Engine, schema: str) -> PostgresAPI:
    # Importing costs seconds, and most frames have nobody without an ID.
    from splink.backends.postgres import PostgresAPI

    class Api(PostgresAPI):
        """Takes the few rows that splink hands over through the warehouse's own driver."""

        def _table_registration(self, input: Any, table_name: str) -> None:  # noqa: A002
            # Splink would fetch an extension of DuckDB over the network for it.
            pd.DataFrame(input).to_sql(table_name, self._engine, schema=schema, index=False)

    return Api(engine, schema=schema)


@contextmanager
def _engine(schema: str) -> Iterator[Engine]:
    # Sums of several workers come in any order, and splink looks for its tables on the search path.
    options = f"-csearch_path={schema},public -cmax_parallel_workers_per_gather=0 -cclient_min_messages=warning"
    engine = sa.create_engine(settings().database_url, connect_args={"options": options}, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()


def _tidy(rows: pd.DataFrame, comparisons: Mapping[str, Levels]) -> pd.DataFrame:
    """Put the lesser plan on the left, name the levels, and round what the last bits of a float would decide."""
    names = [*("plan_id_left", "plan_id_right", "match_weight", "match_probability"),
             *("national_id_left", "national_id_right"), *comparisons]  # fmt: skip
    if rows.empty:
        return pd.DataFrame(columns=names)
    turned = (rows["plan_id_l"] > rows["plan_id_r"]).to_numpy()
    tidy = pd.DataFrame({"match_weight": rows["match_weight"].astype(float).round(SCORE_DIGITS)})
    tidy["match_probability"] = (1 / (1 + 2.0 ** -tidy["match_weight"])).round(SCORE_DIGITS)
    for name in ("plan_id", "national_id"):
        tidy[f"{name}_left"] = rows[f"{name}_l"].where(~turned, rows[f"{name}_r"])
        tidy[f"{name}_right"] = rows[f"{name}_r"].where(~turned, rows[f"{name}_l"])
    for name, levels in comparisons.items():
        # Splink numbers the levels from the last, which is 0; -1 is a side that is empty.
        numbered = dict(enumerate(reversed(list(levels))))
        tidy[name] = rows[f"gamma_{name}"].map(numbered)
    return tidy[names].sort_values(["plan_id_left", "plan_id_right"], ignore_index=True)
