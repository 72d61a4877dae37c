"""Draw certificate: what a draw rests on, and whether drawing again gives the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from methods import sample
from methods.guideline import Section

FRAME_COLUMNS = (
    "plan_id", "province_code", "county_code", "agency_code", "plan_kind", "loan_paid_rial", "risk_score",
)  # fmt: skip
LIST_COLUMNS = ("plan_id", "stratum_code", "inclusion_probability")
REINSPECTION_COLUMNS = ("level", "plan_id", "inclusion_probability")
RESERVE_COLUMNS = ("stratum_code", "release_order", "plan_id")
PARTS = frozenset(
    {"period", "seed", "seed_sha256", "frame", "guideline", "coordination", "allocation", "list", "reserve",
     "reinspection"}
)  # fmt: skip
SHOWN = 5


@dataclass(frozen=True)
class Difference:
    """One thing in which a certificate and a draw of today differ."""

    place: str
    certified: str
    found: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.place}: certified {self.certified}; found {self.found}"


def seed_hash(seed: str) -> str:
    """Commit to a seed: its SHA-256, which is published before the frame closes."""
    return hashlib.sha256(seed.encode("utf-8")).hexdigest()


def canonical_csv(rows: pd.DataFrame, columns: tuple[str, ...]) -> bytes:
    """Write rows so that equal content has equal bytes: UTF-8, line feeds, sorted, numbers in full.

    Anyone can take their SHA-256 with `sha256sum`.
    """
    table = rows[list(columns)].sort_values(list(columns[:2]), kind="stable")
    return table.to_csv(index=False, lineterminator="\n", float_format=None).encode("utf-8")


def certify(
    period: str,
    seed: str,
    frame: pd.DataFrame,
    guideline: Mapping[str, Any],
    draw: sample.Draw,
    reinspections: pd.DataFrame,
    coordination: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the certificate of a draw: all that it rests on, so that anyone can draw again.

    Args:
        period: of the round.
        seed: its public seed.
        frame: FRAME_COLUMNS, one row a plan.
        guideline: version and values in force, as plain text.
        draw: as drawn.
        reinspections: as drawn.
        coordination: root_seed, and moved_on by stratum, of the round it is coordinated with.
    """
    allocation = draw.allocation[["stratum_code", "eligible_plan_count", "sample_plan_count", "binding_bound"]]
    return {
        "period": period,
        "seed": seed,
        "seed_sha256": seed_hash(seed),
        "frame": hashed(frame, FRAME_COLUMNS),
        "guideline": dict(guideline),
        "coordination": dict(coordination) if coordination else None,
        "allocation": allocation.to_dict(orient="records"),
        "list": hashed(draw.drawn, LIST_COLUMNS),
        "reserve": hashed(draw.reserve, RESERVE_COLUMNS),
        "reinspection": hashed(reinspections, REINSPECTION_COLUMNS),
    }


def redraw(certificate: Mapping[str, Any], frame: pd.DataFrame) -> tuple[sample.Draw, pd.DataFrame]:
    """Draw again from a frame by what a certificate says."""
    seed = certificate["seed"]
    rules = Section("sampling, of the certificate", certificate["period"], certificate["guideline"]["values"], ())
    coordination = certificate["coordination"]
    draw = sample.draw_plans(frame, rules, seed, *_former(coordination))
    return draw, sample.draw_reinspections(draw.drawn, rules, seed)


def differences(
    certificate: Mapping[str, Any],
    frame: pd.DataFrame,
    issued: pd.DataFrame | None = None,
    committed: str | None = None,
    version: str | None = None,
    values: Mapping[str, Any] | None = None,
    reserve: pd.DataFrame | None = None,
    repeated: pd.DataFrame | None = None,
) -> list[Difference]:
    """Hold a certificate against a frame, a draw from it, and the list that was issued.

    Args:
        certificate: as `certify` makes it.
        frame: FRAME_COLUMNS, one row a plan.
        issued: LIST_COLUMNS, one row an issued plan; None where it is not at hand.
        committed: SHA-256 of the seed that was published before the frame closed; None where it is not at hand.
        version: of the guideline that the list was issued under; None where it is not at hand.
        values: of the guideline of that version, as plain text; None where they are not at hand.
        reserve: RESERVE_COLUMNS and released_on (missing: still in reserve); None where it is not at hand.
        repeated: REINSPECTION_COLUMNS of the visits that are repeated; None where they are not at hand.

    Returns:
        Where they differ; nothing where the draw is identical.
    """
    draw, reinspections = redraw(certificate, frame)
    again = certify(
        certificate["period"], certificate["seed"], frame, certificate["guideline"], draw, reinspections,
        certificate["coordination"],
    )  # fmt: skip
    found = [
        _compared(f"{part}, {what}", certificate[part][name], again[part][name])
        for part in ("frame", "list", "reserve", "reinspection")
        for what, name in (("SHA-256", "sha256"), ("rows", "rows"), ("columns", "columns"))
    ]
    found.append(_compared("seed, SHA-256", certificate["seed_sha256"], again["seed_sha256"]))
    if committed is not None:
        found.append(_compared("seed, SHA-256 published before the frame closed", committed, again["seed_sha256"]))
    if version is not None:
        found.append(
            _compared("guideline, version the list was issued under", version, certificate["guideline"]["version"])
        )
    if values is not None:
        found += _guideline_differences(certificate["guideline"]["values"], values)
    found.append(_allocation_difference(certificate["allocation"], again["allocation"]))
    if issued is not None:
        found += list_differences(issued, draw.drawn)
    if reserve is not None:
        found += reserve_differences(reserve, draw.reserve)
    if repeated is not None:
        kept = hashed(repeated, REINSPECTION_COLUMNS)
        found.append(_compared("visits to repeat, SHA-256", again["reinspection"]["sha256"], kept["sha256"]))
    return [one for one in found if one is not None]


def _former(coordination: Mapping[str, Any] | None) -> tuple[pd.Series | None, str]:
    if not coordination:
        return None, ""
    return pd.Series(coordination["moved_on"], dtype=np.float64), str(coordination["root_seed"])


def hashed(rows: pd.DataFrame, columns: tuple[str, ...]) -> dict[str, Any]:
    """Say how many rows there are, in which columns, and the SHA-256 of their canonical CSV."""
    written = canonical_csv(rows, columns)
    return {"rows": len(rows), "columns": list(columns), "sha256": hashlib.sha256(written).hexdigest()}


def _compared(place: str, certified: object, found: object) -> Difference | None:
    return None if certified == found else Difference(place, str(certified), str(found))


def _guideline_differences(certified: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference | None]:
    names = sorted({*certified, *now})
    return [_compared(f"guideline, {name}", certified.get(name), now.get(name)) for name in names]


def _allocation_difference(certified: list[dict[str, Any]], found: list[dict[str, Any]]) -> Difference | None:
    if len(certified) != len(found):
        return Difference("allocation", f"{len(certified)} strata", f"{len(found)} strata")
    before = {row["stratum_code"]: (row["eligible_plan_count"], row["sample_plan_count"]) for row in certified}
    now = {row["stratum_code"]: (row["eligible_plan_count"], row["sample_plan_count"]) for row in found}
    moved = sorted(code for code in before.keys() | now.keys() if before.get(code) != now.get(code))
    if not moved:
        return None
    first = moved[0]
    more = f" (and {len(moved) - 1} further strata)" if len(moved) > 1 else ""
    return Difference(
        f"allocation, stratum {first}{more}", _of_frame(before.get(first)), _of_frame(now.get(first))
    )  # fmt: skip


def _of_frame(sizes: tuple[int, int] | None) -> str:
    return "none" if sizes is None else f"{sizes[1]} of {sizes[0]} plans"


def list_differences(issued: pd.DataFrame, drawn: pd.DataFrame) -> list[Difference]:
    """Hold a list against a draw, both of LIST_COLUMNS and one row a plan."""
    both = drawn[list(LIST_COLUMNS)].merge(
        issued[list(LIST_COLUMNS)], on="plan_id", how="outer", suffixes=("_drawn", "_issued"), indicator=True
    )
    lost = both.loc[both["_merge"] == "left_only", "plan_id"]
    strange = both.loc[both["_merge"] == "right_only", "plan_id"]
    shared = both[both["_merge"] == "both"]
    apart = ~np.isclose(
        shared["inclusion_probability_drawn"].to_numpy(dtype=np.float64),
        shared["inclusion_probability_issued"].to_numpy(dtype=np.float64),
        rtol=1e-12,
        atol=0,
    )
    twice = issued.loc[issued["plan_id"].duplicated(), "plan_id"]
    moved = shared["stratum_code_drawn"].astype(str) != shared["stratum_code_issued"].astype(str)
    found = [
        _some("issued list, plans that stand on it twice", twice),
        _some("issued list, plans of another stratum", shared.loc[moved, "plan_id"]),
        _some("issued list, plans of the draw that are not on it", lost),
        _some("issued list, plans on it that the draw does not give", strange),
        _some("issued list, plans of another probability", shared.loc[apart, "plan_id"]),
    ]
    return [one for one in found if one is not None]


def coordination_differences(certified: Mapping[str, Any] | None, former: Mapping[str, Any] | None) -> list[Difference]:
    """Hold what a certificate says of the round it was coordinated with against that round itself.

    Args:
        certified: root_seed, and moved_on by stratum; None for a round on its own.
        former: the same, as the former round gives it.
    """
    if certified is None or former is None:
        states = ["none" if one is None else "a former round" for one in (certified, former)]
        parts = [_compared("coordination", *states)]
    else:
        moved, other = dict(certified["moved_on"]), dict(former["moved_on"])
        apart = pd.Series(sorted(code for code in moved.keys() | other.keys() if moved.get(code) != other.get(code)))
        parts = [
            _compared("coordination, seed of the former round", certified["root_seed"], former["root_seed"]),
            _some("coordination, strata that were moved on by another number than the former round gives", apart),
        ]
    return [one for one in parts if one is not None]


def reserve_differences(kept: pd.DataFrame, drawn: pd.DataFrame) -> list[Difference]:
    """Hold a reserve against the one of a draw, and what was released of it against its order.

    Args:
        kept: RESERVE_COLUMNS and released_on, missing for what is still in reserve.
        drawn: RESERVE_COLUMNS.
    """
    certified, found = (hashed(one, RESERVE_COLUMNS)["sha256"] for one in (drawn, kept))
    orders = kept[kept["released_on"].notna()].groupby("stratum_code")["release_order"].agg(["size", "max"])
    jumped = orders.index[orders["size"] != orders["max"]].to_series()
    parts = [
        _compared("reserve, SHA-256", certified, found),
        _some("reserve, strata of which a plan was released before its turn", jumped),
    ]
    return [one for one in parts if one is not None]


def _some(place: str, plans: pd.Series) -> Difference | None:
    if plans.empty:
        return None
    named = ", ".join(plans.astype(str).head(SHOWN))
    more = f" and {len(plans) - SHOWN} more" if len(plans) > SHOWN else ""
    return Difference(place, "none", f"{len(plans)}: {named}{more}")
