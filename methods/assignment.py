"""Assignment: who inspects which plan, as a minimum-cost flow with a proof of its optimum."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from methods.distance import haversine_km
from methods.errors import AssignmentImpossible, SettingWrong
from methods.sample import random_numbers

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Costs are whole tenths of a kilometre: the flow is optimal for them, to the last unit.
UNITS_PER_KM = 10
# A point is known to about a kilometre; plans of one cell share their distances exactly.
POINT_DECIMALS = 2
FORBIDDEN = "forbidden"
# Beyond it a cost is a slip of the pen, and the flow would run out of whole numbers.
LARGEST_KM = 100_000
# Room for the hash that breaks ties, below one unit of cost over all plans together.
TIE_LEVELS = 64
LARGEST = 1 << 62

LEVELS = ("county", "provincial", "national")
PLAN_KEY = ("province_code", "county_code", "agency_code", "plan_kind", "latitude", "longitude", "ties")
# In the order they are looked at: a plan is left for the first that leaves nobody.
REASONS = (
    "no_inspector_of_level", "no_licence_in_province", "licence_expired", "firm_not_registered",
    "plan_kind_not_licensed", "only_tied_inspectors", "rotation_leaves_nobody", "capacity_short",
)  # fmt: skip
REASONS_FA = {
    "no_inspector_of_level": "برای این سطح بازرسی نیست",
    "no_licence_in_province": "کسی در این استان پروانه ندارد",
    "licence_expired": "پروانهٔ همه سر آمده است",
    "firm_not_registered": "شرکت بازرسان ثبت نشده است",
    "plan_kind_not_licensed": "کسی برای این نوع طرح پروانه ندارد",
    "only_tied_inspectors": "همه با طرح پیوند دارند",
    "rotation_leaves_nobody": "چرخش سالانه کسی را نمی‌گذارد",
    "capacity_short": "ظرفیت کم است",
}


@dataclass(frozen=True)
class Assignment:
    """Who inspects which plan, what it costs, and how far from the least possible that may be.

    `assigned` has plan_id, firm_code (empty without a firm), inspector_code, cost_km, distance_km (missing where no
    point is known), reasons; `unassigned` has plan_id, province_code, reason_code, detail; both by plan_id.
    """

    assigned: pd.DataFrame
    unassigned: pd.DataFrame
    status: str
    cost_km: Decimal
    gap_km: Decimal
    shortfall_count: int


@dataclass(frozen=True)
class _Arcs:
    """Each pair of a group of plans and an inspector licensed in its province."""

    group: IntArray
    inspector: IntArray
    cost: IntArray
    distance_km: FloatArray
    basis: npt.NDArray[np.int8]
    is_tied: BoolArray
    is_turned: BoolArray
    # One row a reason of REASONS before the last: the pair is still there after it.
    is_left: BoolArray


@dataclass(frozen=True)
class _Steps:
    """Places of inspectors or firms, from the cheapest to the dearest: a convex cost of load."""

    owner: IntArray
    width: IntArray
    cost: IntArray
    # What an empty place of the least load costs; it stands in `cost` as a saving.
    lack: IntArray


def assign_plans(
    plans: pd.DataFrame,
    inspectors: pd.DataFrame,
    firms: pd.DataFrame,
    ties: pd.DataFrame,
    former: pd.DataFrame,
    county_points: pd.DataFrame,
    rules: Mapping[str, Any],
    on: datetime.date,
) -> Assignment:
    """Give each plan an inspector at the least total cost, within licences, capacities and ties.

    Every cost is in kilometres: the way from the inspector's base, what the guideline adds for ties and rotation, and
    what it adds as an inspector or a firm fills up. A plan is left without an inspector only if no exchange of
    inspectors can take it; the order of rows changes nothing.

    Args:
        plans: plan_id, province_code, county_code, agency_code, plan_kind, latitude, longitude [degrees, may be
            missing], one row a plan of one level.
        inspectors: inspector_code, firm_code (missing for those of the Ministry), province_code, county_code (may be
            missing), latitude, longitude (may be missing), capacity_count [plans], minimum_count [plans],
            licensed_until [date], plan_kinds, province_codes (separated by blanks; empty is everywhere).
        firms: firm_code, capacity_count, minimum_count [plans].
        ties: plan_id, subject_code (an inspector or a firm), tie_kind.
        former: inspector_code, firm_code, county_code, agency_code of the visits of the year before.
        county_points: county_code, latitude, longitude: where plans and bases without a point of their own lie.
        rules: the guideline `field`.
        on: day the licences must hold on.

    Returns:
        The assignment, its cost and its gap to the lower bound, which is 0 where the proof holds.

    Raises:
        SettingWrong: a cost of the guideline is neither a number nor `forbidden`, or load grows cheaper.
    Source:
        Ahuja, Magnanti and Orlin (1993), Network Flows, ch. 9 (reduced costs) and 14 (convex costs); Goldberg (1997),
        J. Algorithms 22, 1-29 (cost scaling, as in OR-Tools).
    """
    plans = plans.assign(random_number=random_numbers(plans["plan_id"], str(rules["assignment_seed"])))
    plans = plans.sort_values(["random_number", "plan_id"], ignore_index=True)
    inspectors = inspectors.sort_values("inspector_code", ignore_index=True)
    firms = firms.sort_values("firm_code", ignore_index=True)
    if plans.empty or inspectors.empty:
        return _nobody(plans)
    reached = _reached(ties, inspectors, rules)
    groups, member = _grouped(plans, reached, inspectors, rules)
    arcs = _arcs(groups, inspectors, firms, reached, former, county_points, rules, on)
    network = _Network.of(groups, inspectors, firms, arcs, rules)
    flow, gap = network.solved()
    return _result(plans, member, inspectors, arcs, network, flow, gap)


def require_complete(found: Assignment, rules: Mapping[str, Any], place: str) -> None:
    """Refuse an assignment that leaves plans without an inspector, unless the guideline goes on with a list.

    Raises:
        AssignmentImpossible: plans are left, and `when_impossible` is `refuse`.
        SettingWrong: `when_impossible` is another word.
    """
    wish = str(rules["when_impossible"])
    if wish not in ("refuse", "list"):
        raise SettingWrong(place="guideline field, when_impossible", found=wish, wanted="refuse or list")
    if found.unassigned.empty or wish == "list":
        return
    why = ["province_code", "reason_code", "detail"]
    counts = found.unassigned.groupby(why, sort=True).size().reset_index(name="plan_count")
    said = [
        f"province {row.province_code}: {row.plan_count:,} plans, {row.reason_code} ({row.detail})"
        for row in counts.itertuples()
    ]
    raise AssignmentImpossible(
        place=place,
        found=f"{len(found.unassigned):,} plans nobody may inspect: {'; '.join(said[:5])}"
        + (f"; and {len(said) - 5} more" if len(said) > 5 else ""),
        wanted="an inspector for every plan",
        remedy="License or add inspectors there, or change guidelines/field.yaml; sample.unassigned_plan lists them.",
    )


def synthetic_inspectors(firms: pd.DataFrame, plans_per_inspector: int) -> pd.DataFrame:
    """Number the inspectors of firms whose staff nobody has delivered: F001-01, F001-02, as many as their plans need.

    Args:
        firms: firm_code, province_code, capacity_count [plans].
        plans_per_inspector: most plans of one inspector.

    Returns:
        inspector_code, firm_code, province_code, capacity_count and the other columns of an inspector, unknown.
    """
    count = -(-firms["capacity_count"] // plans_per_inspector)
    rows = firms.loc[firms.index.repeat(count)].reset_index(drop=True)
    place = rows.groupby("firm_code").cumcount()
    left = rows["capacity_count"] - place * plans_per_inspector
    return pd.DataFrame(
        {
            "inspector_code": rows["firm_code"] + "-" + (place + 1).astype(str).str.zfill(2),
            "firm_code": rows["firm_code"],
            "level": "county",
            "province_code": rows["province_code"],
            "county_code": None,
            "latitude": np.nan,
            "longitude": np.nan,
            "capacity_count": left.clip(upper=plans_per_inspector),
            "licensed_until": None,
            "plan_kinds": "any",
            "province_codes": rows["province_code"],
        }
    )


def within_limits(
    inspectors: pd.DataFrame, firms: pd.DataFrame, plans: pd.DataFrame, rules: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cut what inspectors and firms say they can take to what the guideline lets them, and set their least load.

    Args:
        inspectors: level, capacity_count [plans].
        firms: province_code, capacity_count [plans].
        plans: province_code, one row a plan of the first level.
        rules: plans_per_inspector, largest_firm_share, least_load_share.

    Returns:
        Both with capacity_count cut and minimum_count beside it [plans].
    """
    there = plans["province_code"].value_counts()
    largest = np.ceil(float(rules["largest_firm_share"]) * firms["province_code"].map(there).fillna(0.0))
    least = rules["least_load_share"]
    most = {level: int(count) for level, count in rules["plans_per_inspector"].items()}
    firms = firms.assign(capacity_count=np.minimum(firms["capacity_count"], largest).astype(np.int64))
    inspectors = inspectors.assign(
        capacity_count=np.minimum(inspectors["capacity_count"], inspectors["level"].map(most)).astype(np.int64)
    )
    return (
        inspectors.assign(minimum_count=_part(inspectors["capacity_count"], Decimal(least["inspector"]))),
        firms.assign(minimum_count=_part(firms["capacity_count"], Decimal(least["firm"]))),
    )


def less_load(inspectors: pd.DataFrame, firms: pd.DataFrame, load: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Take what inspectors and firms are in charge of already from what they can take.

    Args:
        inspectors: inspector_code, capacity_count [plans].
        firms: firm_code, capacity_count [plans].
        load: firm_code, inspector_code, plan_count.

    Returns:
        Both with what is left of capacity_count, and no least load.
    """
    tables = []
    for rows, code in ((inspectors, "inspector_code"), (firms, "firm_code")):
        taken = rows[code].map(load.groupby(code)["plan_count"].sum()).fillna(0).astype(np.int64)
        tables.append(rows.assign(capacity_count=(rows["capacity_count"] - taken).clip(lower=0), minimum_count=0))
    return tables[0], tables[1]


# ties and groups ---------------------------------------------------------------------------------


def _reached(ties: pd.DataFrame, inspectors: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Spread ties over the inspectors they reach: plan_id, inspector, cost [units, -1 where forbidden]."""
    cost = {kind: _units(value, f"tie_cost_km, {kind}") for kind, value in rules["tie_cost_km"].items()}
    unknown = sorted(set(ties["tie_kind"]) - set(cost))
    if unknown:
        raise SettingWrong(
            place="guideline field, tie_cost_km", found=f"nothing of {', '.join(unknown)}", wanted="every kind of tie"
        )
    staff = pd.DataFrame({"inspector": inspectors.index, "inspector_code": inspectors["inspector_code"]})
    staff["firm_code"] = inspectors["firm_code"].where(inspectors["firm_code"].notna(), None)
    of_firm = staff.dropna(subset=["firm_code"])
    own = ties.merge(staff, left_on="subject_code", right_on="inspector_code")
    by_firm = ties.merge(of_firm, left_on="subject_code", right_on="firm_code")
    wide = own[own["tie_kind"].map(rules["tie_reach"]).eq("firm") & own["firm_code"].notna()]
    colleagues = wide.drop(columns=["inspector", "inspector_code"]).merge(of_firm, on="firm_code")
    parts = [part[["plan_id", "inspector", "tie_kind"]] for part in (own, by_firm, colleagues)]
    every = pd.concat(parts, ignore_index=True).drop_duplicates()
    each = every["tie_kind"].map(cost).astype(np.int64)
    every = every.assign(cost=each.clip(lower=0), is_forbidden=each < 0)
    return every.groupby(["plan_id", "inspector"], as_index=False, sort=True).agg(
        cost=("cost", "sum"), is_forbidden=("is_forbidden", "max")
    )


def _grouped(
    plans: pd.DataFrame, reached: pd.DataFrame, inspectors: pd.DataFrame, rules: Mapping[str, Any]
) -> tuple[pd.DataFrame, IntArray]:
    """Bring plans together that cost the same with every inspector, and say which group each plan is in."""
    key = plans[[name for name in PLAN_KEY if name in plans]].copy()
    key[["latitude", "longitude"]] = key[["latitude", "longitude"]].astype(np.float64).round(POINT_DECIMALS)
    price = reached["cost"].astype(str).mask(reached["is_forbidden"], FORBIDDEN)
    written = reached["inspector"].astype(str) + ":" + price
    key["ties"] = plans["plan_id"].map(written.groupby(reached["plan_id"]).agg(" ".join)).fillna("")
    # What no rule looks at tells no plans apart.
    rotation = _rotation(rules)
    if rotation["inspector_agency"] == rotation["firm_agency"] == 0:
        key["agency_code"] = ""
    if inspectors["plan_kinds"].eq("any").all():
        key["plan_kind"] = ""
    member = key.groupby(list(PLAN_KEY), sort=False, dropna=False).ngroup().to_numpy(np.int64)
    first = np.unique(member, return_index=True)[1]
    groups = key.iloc[first].reset_index(drop=True)
    groups["plan_id"] = plans["plan_id"].to_numpy()[first]
    groups["plan_count"] = np.bincount(member)
    return groups, member.astype(np.int64)


# arcs --------------------------------------------------------------------------------------------


def _arcs(
    groups: pd.DataFrame,
    inspectors: pd.DataFrame,
    firms: pd.DataFrame,
    reached: pd.DataFrame,
    former: pd.DataFrame,
    county_points: pd.DataFrame,
    rules: Mapping[str, Any],
    on: datetime.date,
) -> _Arcs:
    # Text is compared once a group and an inspector; pairs, of which there are millions, see numbers.
    group, inspector = _licensed_pairs(groups, inspectors)
    way, distance, basis = _way(groups, inspectors, group, inspector, county_points, rules)
    tied, is_tied = _tie_costs(groups, group, inspector, reached, len(inspectors))
    turned, is_turned = _rotation_costs(groups, inspectors, group, inspector, former, rules)
    firm_code, kinds = inspectors["firm_code"], inspectors["plan_kinds"]
    has_firm = (firm_code.isna() | firm_code.isin(firms["firm_code"])).to_numpy(np.bool_)
    may_kind = kinds.eq("any").to_numpy(np.bool_)[inspector] | _same(groups["plan_kind"], kinds, group, inspector)
    checks = [
        _is_valid(inspectors["licensed_until"], on)[inspector],
        has_firm[inspector],
        may_kind,
        ~is_tied,
        ~is_turned,
    ]
    is_left = np.logical_and.accumulate(np.vstack([np.ones(len(group), np.bool_), *checks]))
    return _Arcs(group, inspector, way + tied + turned, distance, basis, tied > 0, turned > 0, is_left)


def _licensed_pairs(groups: pd.DataFrame, inspectors: pd.DataFrame) -> tuple[IntArray, IntArray]:
    every = groups["province_code"].unique().tolist()
    # No province named is all of them.
    licensed = [codes.split() or every for codes in inspectors["province_codes"].fillna("")]
    licence = pd.DataFrame({"inspector": inspectors.index, "province_code": licensed})
    licence = licence.explode("province_code").drop_duplicates()
    pairs = pd.DataFrame({"group": groups.index, "province_code": groups["province_code"]})
    pairs = pairs.merge(licence, on="province_code").sort_values(["group", "inspector"])
    return pairs["group"].to_numpy(np.int64), pairs["inspector"].to_numpy(np.int64)


def _way(
    groups: pd.DataFrame,
    inspectors: pd.DataFrame,
    group: IntArray,
    inspector: IntArray,
    county_points: pd.DataFrame,
    rules: Mapping[str, Any],
) -> tuple[IntArray, FloatArray, npt.NDArray[np.int8]]:
    centre = county_points.set_index("county_code")[["latitude", "longitude"]].astype(np.float64)
    to, to_is_own = _points(groups, centre)
    base, _ = _points(inspectors, centre)
    distance = haversine_km(base[inspector, 0], base[inspector, 1], to[group, 0], to[group, 1])
    same_county = _same(groups["county_code"], inspectors["county_code"], group, inspector)
    same_province = _same(groups["province_code"], inspectors["province_code"], group, inspector)
    near = np.where(same_county, 0, np.where(same_province, 1, 2))
    fixed = np.array([_units(rules[name], name) for name in ("own_county_km", "other_county_km", "other_province_km")])
    is_known = np.isfinite(distance)
    measured = np.rint(np.where(is_known, distance, 0.0) * UNITS_PER_KM).astype(np.int64)
    basis = np.where(is_known, np.where(to_is_own[group], 0, 1), 2 + near).astype(np.int8)
    return np.where(is_known, measured, fixed[near]), distance, basis


# What the way of a pair was taken from, by the number an arc carries.
BASES = np.array(["from_point", "from_county_centre", "own_county", "other_county", "other_province"], dtype=object)


def _points(rows: pd.DataFrame, centre: pd.DataFrame) -> tuple[FloatArray, BoolArray]:
    own = rows[["latitude", "longitude"]].to_numpy(np.float64)
    is_own = np.isfinite(own).all(axis=1)
    of_county = centre.reindex(rows["county_code"]).to_numpy(np.float64)
    return np.where(is_own[:, None], own, of_county), is_own


def _same(of_group: pd.Series, of_inspector: pd.Series, group: IntArray, inspector: IntArray) -> BoolArray:
    """Say which pairs agree in a code; a missing one agrees with none."""
    both = pd.concat([of_group.astype(object), of_inspector.astype(object)], ignore_index=True)
    code = pd.factorize(both)[0]
    left, right = code[: len(of_group)][group], code[len(of_group) :][inspector]
    same: BoolArray = (left == right) & (left >= 0)
    return same


def _tie_costs(
    groups: pd.DataFrame, group: IntArray, inspector: IntArray, reached: pd.DataFrame, inspector_count: int
) -> tuple[IntArray, BoolArray]:
    # A group's plans share their ties, so those of its first plan are those of all.
    place = pd.Series(groups.index, index=groups["plan_id"])
    mine = reached[reached["plan_id"].isin(place.index)]
    wanted = mine["plan_id"].map(place).to_numpy(np.int64) * inspector_count + mine["inspector"].to_numpy(np.int64)
    # Pairs stand in the order of group and inspector.
    pairs = group * inspector_count + inspector
    at = np.searchsorted(pairs, wanted)
    is_pair = pairs[np.minimum(at, len(pairs) - 1)] == wanted if len(pairs) else np.zeros(len(wanted), np.bool_)
    cost, is_tied = np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.bool_)
    cost[at[is_pair]] = mine["cost"].to_numpy(np.int64)[is_pair]
    is_tied[at[is_pair]] = mine["is_forbidden"].to_numpy(np.bool_)[is_pair]
    return cost, is_tied


def _rotation_costs(
    groups: pd.DataFrame,
    inspectors: pd.DataFrame,
    group: IntArray,
    inspector: IntArray,
    former: pd.DataFrame,
    rules: Mapping[str, Any],
) -> tuple[IntArray, BoolArray]:
    cost, is_forbidden = np.zeros(len(group), np.int64), np.zeros(len(group), np.bool_)
    for name, price in _rotation(rules).items():
        if price == 0:
            continue
        who, where = (f"{part}_code" for part in name.split("_"))
        staff = pd.DataFrame({"inspector": inspectors.index, who: inspectors[who].astype(object)}).dropna()
        known = former[[who, where]].dropna().drop_duplicates().astype(object).merge(staff, on=who)
        code, places = pd.factorize(groups[where].astype(object))
        known = known.assign(place=places.get_indexer(pd.Index(known[where]))).query("place >= 0")
        table = np.zeros((len(inspectors), len(places)), np.bool_)
        table[known["inspector"].to_numpy(np.int64), known["place"].to_numpy(np.int64)] = True
        was_there = table[inspector, code[group]]
        cost += was_there * max(price, 0)
        is_forbidden |= was_there & (price < 0)
    return cost, is_forbidden


def _is_valid(licensed_until: pd.Series, on: datetime.date) -> BoolArray:
    # No date is a licence without an end.
    until = pd.to_datetime(licensed_until).to_numpy("datetime64[D]")
    valid: BoolArray = np.isnat(until) | (until >= np.datetime64(on))
    return valid


def _rotation(rules: Mapping[str, Any]) -> dict[str, int]:
    names = ("inspector_county", "inspector_agency", "firm_county", "firm_agency")
    return {name: _units(rules["rotation_cost_km"][name], f"rotation_cost_km, {name}") for name in names}


def _units(value: Any, name: str) -> int:
    """Read a cost [km] as whole units; -1 where it is forbidden."""
    if value == FORBIDDEN:
        return -1
    try:
        units = round(Decimal(value) * UNITS_PER_KM)
    except ArithmeticError:
        units = -1
    if not 0 <= units <= LARGEST_KM * UNITS_PER_KM:
        raise SettingWrong(
            place=f"guideline field, {name}",
            found=str(value),
            wanted=f"kilometres from 0 to {LARGEST_KM:,}, or {FORBIDDEN}",
        )
    return units


# the flow ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Network:
    """Groups, inspectors, firms and the sink, with the arcs between them."""

    size: IntArray
    group_hash: npt.NDArray[np.uint64]
    inspector_hash: npt.NDArray[np.uint64]
    group: IntArray
    inspector: IntArray
    cost: IntArray
    # Inspector -> firm, -1 for those without.
    firm: IntArray
    steps: _Steps
    firm_steps: _Steps

    @classmethod
    def of(
        cls,
        groups: pd.DataFrame,
        inspectors: pd.DataFrame,
        firms: pd.DataFrame,
        arcs: _Arcs,
        rules: Mapping[str, Any],
    ) -> _Network:
        """Keep the arcs that are allowed, and lay out places by load."""
        kept = arcs.is_left[-1]
        firm = pd.Series(firms.index, index=firms["firm_code"]).reindex(inspectors["firm_code"]).fillna(-1)
        seed = str(rules["assignment_seed"])
        return cls(
            size=groups["plan_count"].to_numpy(np.int64),
            group_hash=_bits(groups["plan_id"], seed),
            inspector_hash=_bits(inspectors["inspector_code"], seed),
            group=arcs.group[kept],
            inspector=arcs.inspector[kept],
            cost=arcs.cost[kept],
            firm=firm.to_numpy(np.int64),
            steps=_load_steps(inspectors, rules),
            firm_steps=_load_steps(firms, rules),
        )

    def solved(self) -> tuple[IntArray, int]:
        """Solve each part that shares no inspector and no firm with the others; return the flow and the gap [units]."""
        flow, gap = np.zeros(len(self.group), np.int64), 0
        part_of_group, part_of_inspector = self._parts()
        for part in np.unique(part_of_group[self.group]):
            mine = part_of_group[self.group] == part
            flow[mine], gap_here = self._solved_part(np.flatnonzero(mine), part_of_inspector == part)
            gap += gap_here
        return flow, gap

    def stated_cost(self, flow: IntArray) -> int:
        """Cost of a flow [units]: arcs, loads, and what inspectors and firms lack of their least."""
        load = _load(self.inspector, flow, len(self.firm))
        return (
            int(self.cost @ flow)
            + self._load_cost(self.steps, load)
            + self._load_cost(self.firm_steps, self.by_firm(load))
        )

    def by_firm(self, load: IntArray) -> IntArray:
        """Add the loads of inspectors up to firms [plans]."""
        has_firm = self.firm >= 0
        count = int(self.firm_steps.owner.max(initial=-1)) + 1
        return _load(self.firm[has_firm], load[has_firm], max(count, int(self.firm.max(initial=-1)) + 1))

    @staticmethod
    def _load_cost(steps: _Steps, load: IntArray) -> int:
        return int(steps.cost @ _filled(steps, load) + steps.lack @ steps.width)

    def _parts(self) -> tuple[IntArray, IntArray]:
        groups, inspectors = len(self.size), len(self.firm)
        has_firm = np.flatnonzero(self.firm >= 0)
        tail = np.concatenate([self.group, groups + has_firm])
        head = np.concatenate([groups + self.inspector, groups + inspectors + self.firm[has_firm]])
        count = groups + inspectors + int(self.firm.max(initial=-1)) + 1
        _, part = connected_components(
            coo_array((np.ones(len(tail)), (tail, head)), shape=(count, count)), directed=False
        )
        return part[:groups].astype(np.int64), part[groups : groups + inspectors].astype(np.int64)

    def _solved_part(self, arc: IntArray, is_mine: BoolArray) -> tuple[IntArray, int]:
        part = _Part.of(self, arc, is_mine)
        flow, nobody = part.solved()
        return flow, part.gap(flow, nobody)


@dataclass(frozen=True)
class _Part:
    """One part of the network with nodes of its own numbering: inspectors, then firms, then the sink."""

    size: IntArray
    group: IntArray
    inspector: IntArray
    cost: IntArray
    steps: _Steps
    # Node that a step leads to.
    step_head: IntArray
    inspector_count: int
    firm_count: int
    nobody_cost: int
    # Costs of the flow are stated costs times this, plus the hash that breaks ties.
    spread: int
    mixed: IntArray

    @classmethod
    def of(cls, network: _Network, arc: IntArray, is_mine: BoolArray) -> _Part:
        """Number the nodes of a part and settle what it costs to leave a plan to nobody."""
        groups, group = np.unique(network.group[arc], return_inverse=True)
        inspectors = np.flatnonzero(is_mine)
        inspector = np.searchsorted(inspectors, network.inspector[arc])
        firms = np.unique(network.firm[inspectors][network.firm[inspectors] >= 0])
        firm = np.where(network.firm[inspectors] >= 0, np.searchsorted(firms, network.firm[inspectors]), len(firms))
        own, of_firm = _steps_of(network.steps, inspectors), _steps_of(network.firm_steps, firms)
        steps = _Steps(
            np.concatenate([own.owner, len(inspectors) + of_firm.owner]),
            np.concatenate([own.width, of_firm.width]),
            np.concatenate([own.cost, of_firm.cost]),
            np.concatenate([own.lack, of_firm.lack]),
        )
        sink = len(inspectors) + len(firms)
        head = np.concatenate([len(inspectors) + firm[own.owner], np.full(len(of_firm.owner), sink)])
        size, cost = network.size[groups], network.cost[arc]
        # An exchange passes each inspector and firm once: none of them saves as much as a plan left to nobody costs.
        span = int(cost.max(initial=0)) + 2 * int(np.abs(steps.cost).max(initial=0))
        nobody = 2 * (span + 1) * (sink + 2)
        room = (LARGEST >> 4) // (len(groups) + sink + 2) // nobody
        levels = min(TIE_LEVELS, max(1, room // int(size.sum() + 1)))
        spread = levels * int(size.sum() + 1) if levels > 1 else 1
        mixed = _mixed(network.group_hash[network.group[arc]], network.inspector_hash[network.inspector[arc]], levels)
        return cls(size, group, inspector, cost, steps, head, len(inspectors), len(firms), nobody, spread, mixed)

    @property
    def sink(self) -> int:
        """Node all flow ends in."""
        return self.inspector_count + self.firm_count

    def solved(self) -> tuple[IntArray, IntArray]:
        """Solve for the flow on each arc, and the plans of each group left to nobody."""
        solver, groups = SimpleMinCostFlow(), len(self.size)
        every = np.arange(groups)
        tail = np.concatenate([self.group, groups + self.steps.owner, every])
        head = np.concatenate([groups + self.inspector, groups + self.step_head, np.full(groups, groups + self.sink)])
        width = np.concatenate([self.size[self.group], self.steps.width, self.size])
        cost = np.concatenate([self.arc_cost, self.spread * self.steps.cost, np.full(groups, self.left_cost)])
        arcs = solver.add_arcs_with_capacity_and_unit_cost(tail.astype(np.int32), head.astype(np.int32), width, cost)
        nodes = np.append(every, groups + self.sink).astype(np.int32)
        solver.set_nodes_supplies(nodes, np.append(self.size, -self.size.sum()))
        status = solver.solve()
        if status != solver.OPTIMAL:
            # Every plan may be left to nobody, so a flow exists; anything else is a fault of ours.
            raise ArithmeticError(f"minimum-cost flow: {status}")
        flows = np.asarray(solver.flows(arcs), np.int64)
        return flows[: len(self.group)], flows[len(flows) - groups :]

    @property
    def arc_cost(self) -> IntArray:
        """Cost of each arc as the flow sees it."""
        cost: IntArray = self.spread * self.cost + self.mixed
        return cost

    @property
    def left_cost(self) -> int:
        """Cost of a plan left to nobody as the flow sees it."""
        return self.spread * self.nobody_cost

    def gap(self, flow: IntArray, nobody: IntArray) -> int:
        """Measure how far a flow may be from the least cost [units]: the flow's cost less a Lagrangian lower bound.

        Prices of places come from the shortest paths of the residual network of inspectors and firms; for an optimal
        flow it has no negative cycle, and the bound meets the cost.
        """
        load = _load(self.inspector, flow, self.inspector_count)
        has_firm = self.step_head[np.unique(self.steps.owner, return_index=True)[1]][: self.inspector_count]
        by_node = np.concatenate([load, np.zeros(self.firm_count + 1, np.int64)])
        np.add.at(by_node, has_firm, load)
        filled = _filled(self.steps, by_node[: self.sink])
        price = _shortest(self._residual(flow, nobody, filled))
        cost = (
            int(self.arc_cost @ flow) + self.spread * int(self.steps.cost @ filled) + self.left_cost * int(nobody.sum())
        )
        bound = self._bound(price)
        # What the hash adds stays below one unit over all plans, so whole units are what was stated.
        return cost // self.spread - bound // self.spread

    def _residual(self, flow: IntArray, nobody: IntArray, filled: IntArray) -> IntArray:
        """Cost of moving one plan from node to node, LARGEST where it cannot."""
        node, cost, start, degree = self._choices
        has_plan = np.concatenate([flow, nobody])[self._by_group] > 0
        group = np.repeat(np.arange(len(self.size)), degree)[has_plan]
        # Each choice that holds plans, beside every choice those plans have.
        count = degree[group]
        beside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(start[group], count)
        moves = np.full((self.sink + 1, self.sink + 1), LARGEST, np.int64)
        change = cost[beside] - np.repeat(cost[has_plan], count)
        np.minimum.at(moves, (np.repeat(node[has_plan], count), node[beside]), change)
        has_room, has_flow = filled < self.steps.width, filled > 0
        step = self.spread * self.steps.cost
        np.minimum.at(moves, (self.steps.owner[has_room], self.step_head[has_room]), step[has_room])
        np.minimum.at(moves, (self.step_head[has_flow], self.steps.owner[has_flow]), -step[has_flow])
        return moves

    @cached_property
    def _by_group(self) -> IntArray:
        """Order of the arcs, and of leaving plans to nobody, group by group."""
        every = np.concatenate([self.group, np.arange(len(self.size))])
        return np.argsort(every, kind="stable").astype(np.int64)

    @cached_property
    def _choices(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Node and cost of what each group may choose, group by group; where a group begins, and how much it has."""
        groups = len(self.size)
        node = np.concatenate([self.inspector, np.full(groups, self.sink)])[self._by_group]
        cost = np.concatenate([self.arc_cost, np.full(groups, self.left_cost)])[self._by_group]
        degree = np.bincount(self.group, minlength=groups) + 1
        return node, cost, np.cumsum(degree) - degree, degree

    def _bound(self, price: IntArray) -> int:
        node, cost, start, _ = self._choices
        best = np.minimum.reduceat(cost - price[node], start)
        step = self.spread * self.steps.cost + price[self.steps.owner] - price[self.step_head]
        total = int(self.size.sum())
        return int(best @ self.size) + int(np.minimum(step, 0) @ self.steps.width) + total * int(price[self.sink])


def _shortest(moves: IntArray) -> IntArray:
    """Find the shortest way to each node from anywhere: Bellman and Ford, all nodes at a time."""
    price = np.zeros(len(moves), np.int64)
    for _ in range(len(moves)):
        shorter = np.minimum(price, np.where(moves < LARGEST, price[:, None] + moves, LARGEST).min(axis=0))
        if (shorter == price).all():
            break
        price = shorter
    return price


def _load_steps(rows: pd.DataFrame, rules: Mapping[str, Any]) -> _Steps:
    """Lay out the places of each inspector or firm: the least load first, then dearer as it fills up."""
    bounds, costs = _load_costs(rules)
    capacity = rows["capacity_count"].clip(lower=0).to_numpy(np.int64)
    least = np.minimum(rows["minimum_count"].to_numpy(np.int64), capacity)
    ends = [np.zeros(len(rows), np.int64), *(_part(pd.Series(capacity), share).to_numpy(np.int64) for share in bounds)]
    lack = _units(rules["shortfall_km"], "shortfall_km")
    owner, width, cost, wanting = [], [], [], []
    for start, end, price in zip(ends, ends[1:], costs, strict=False):
        wanted = np.clip(least - start, 0, end - start)
        owner += [np.arange(len(rows)), np.arange(len(rows))]
        width += [wanted, end - start - wanted]
        cost += [np.full(len(rows), price - lack), np.full(len(rows), price)]
        wanting += [np.full(len(rows), lack), np.zeros(len(rows), np.int64)]
    order = np.argsort(np.concatenate(owner), kind="stable")
    return _Steps(*(np.concatenate(part).astype(np.int64)[order] for part in (owner, width, cost, wanting)))


def _load_costs(rules: Mapping[str, Any]) -> tuple[list[Decimal], list[int]]:
    steps = {Decimal(share): _units(cost, f"load_cost_km, {share}") for share, cost in rules["load_cost_km"].items()}
    bounds = sorted(steps)
    costs = [steps[share] for share in bounds]
    if bounds[-1:] != [Decimal(1)] or min(bounds) <= 0 or costs != sorted(costs) or min(costs) < 0:
        raise SettingWrong(
            place="guideline field, load_cost_km",
            found=", ".join(f"{share}: {cost}" for share, cost in rules["load_cost_km"].items()),
            wanted="costs that do not fall, by shares of capacity above 0 that end with 1",
        )
    return bounds, costs


def _part(count: pd.Series, share: Decimal) -> pd.Series:
    # Thousandths in whole numbers: a float's share of 50 may be 29.999.
    return count * int(share * 1000) // 1000


def _steps_of(steps: _Steps, owners: IntArray) -> _Steps:
    mine = np.isin(steps.owner, owners)
    return _Steps(np.searchsorted(owners, steps.owner[mine]), steps.width[mine], steps.cost[mine], steps.lack[mine])


def _filled(steps: _Steps, load: IntArray) -> IntArray:
    """Fill the steps of each owner from the cheapest [plans]."""
    before = np.cumsum(steps.width) - steps.width
    first = np.unique(steps.owner, return_index=True)[1]
    start = np.zeros(len(load), np.int64)
    start[steps.owner[first]] = before[first]
    filled: IntArray = np.clip(load[steps.owner] - (before - start[steps.owner]), 0, steps.width)
    return filled


def _load(owner: IntArray, flow: IntArray, count: int) -> IntArray:
    load = np.zeros(count, np.int64)
    np.add.at(load, owner, flow)
    return load


def _bits(codes: pd.Series, seed: str) -> npt.NDArray[np.uint64]:
    return (random_numbers(codes, seed) * 2.0**53).astype(np.uint64)


def _mixed(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64], levels: int) -> IntArray:
    """Mix two hashes into a number below `levels`: splitmix64 of both."""
    bits = left * np.uint64(0x9E3779B97F4A7C15) + right
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) % np.uint64(levels)).astype(np.int64)


# what comes of it --------------------------------------------------------------------------------


def _result(
    plans: pd.DataFrame,
    member: IntArray,
    inspectors: pd.DataFrame,
    arcs: _Arcs,
    network: _Network,
    flow: IntArray,
    gap: int,
) -> Assignment:
    assigned = _given(plans, member, inspectors, arcs, flow)
    left = plans.assign(group=member)[~plans["plan_id"].isin(assigned["plan_id"])]
    load = _load(network.inspector, flow, len(network.firm))
    return Assignment(
        assigned,
        _diagnosed(left, arcs, len(network.size)),
        # Any other status has stopped the solving.
        "OPTIMAL",
        Decimal(network.stated_cost(flow)) / UNITS_PER_KM,
        Decimal(gap) / UNITS_PER_KM,
        _lack(network.steps, load) + _lack(network.firm_steps, network.by_firm(load)),
    )


def _given(
    plans: pd.DataFrame, member: IntArray, inspectors: pd.DataFrame, arcs: _Arcs, flow: IntArray
) -> pd.DataFrame:
    # Plans of a group stand in the order of their hash, and take its inspectors in turn.
    order, size = np.argsort(member, kind="stable"), np.bincount(member)
    arc = np.repeat(np.flatnonzero(arcs.is_left[-1]), flow)
    given = np.bincount(arcs.group[arc], minlength=len(size))
    turn = np.arange(len(arc)) - np.repeat(np.cumsum(given) - given, given)
    row = order[np.repeat(np.cumsum(size) - size, given) + turn]
    who = inspectors.iloc[arcs.inspector[arc]].reset_index(drop=True)
    marks = [
        np.where(is_so[arc], f" {mark}", "").astype(object)
        for mark, is_so in (("tied", arcs.is_tied), ("there_last_year", arcs.is_turned))
    ]
    return pd.DataFrame(
        {
            "plan_id": plans["plan_id"].to_numpy(object)[row],
            "firm_code": who["firm_code"],
            "inspector_code": who["inspector_code"],
            "cost_km": arcs.cost[arc] / UNITS_PER_KM,
            "distance_km": np.round(arcs.distance_km[arc], 1),
            "reasons": BASES[arcs.basis[arc]] + marks[0] + marks[1],
        }
    ).sort_values("plan_id", ignore_index=True)


def _diagnosed(left: pd.DataFrame, arcs: _Arcs, group_count: int) -> pd.DataFrame:
    """Say of each plan that is left which rule left nobody, or how many places are short in its province."""
    counts = np.vstack([np.bincount(arcs.group[one], minlength=group_count) for one in arcs.is_left])
    mine = counts[:, left["group"].to_numpy(np.int64)]
    # The first check that left none; where all left some, the places were too few.
    reason = pd.Series(np.array(REASONS[1:], dtype=object)[(mine > 0).sum(axis=0)], index=left.index)
    is_short = reason == "capacity_short"
    short = is_short.groupby(left["province_code"]).transform("sum").astype(str) + " places short"
    licensed = "of " + pd.Series(mine[0], index=left.index).astype(str) + " licensed there"
    rows = left.assign(reason_code=reason, detail=short.where(is_short, licensed))
    return rows[["plan_id", "province_code", "reason_code", "detail"]].sort_values("plan_id", ignore_index=True)


def _lack(steps: _Steps, load: IntArray) -> int:
    return int((steps.width - _filled(steps, load))[steps.lack > 0].sum())


def _nobody(plans: pd.DataFrame) -> Assignment:
    assigned = pd.DataFrame(
        {
            name: pd.Series(dtype=object)
            for name in ("plan_id", "firm_code", "inspector_code", "cost_km", "distance_km", "reasons")
        }
    )
    left = plans.assign(reason_code="no_inspector_of_level", detail="0 inspectors")
    left = left[["plan_id", "province_code", "reason_code", "detail"]].sort_values("plan_id", ignore_index=True)
    return Assignment(assigned, left, "OPTIMAL", Decimal(0), Decimal(0), 0)
