"""Sampling: inclusion probabilities, the draw of plans, their reserve and their re-inspection."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from datafusion import SessionContext, col, functions, lit

from methods import allocation
from methods.allocation import FloatArray, IntArray, allocate, allocate_neyman, refuse_unusable
from methods.errors import FrameMismatch, GuidelineMissing

__all__ = [
    "allocate",
    "allocate_levels",
    "allocate_neyman",
    "draw_plans",
    "draw_reinspections",
    "expected_precision",
    "inclusion_probabilities",
    "joint_inclusion_systematic",
    "moved_on",
    "random_numbers",
    "released_probabilities",
    "systematic_pps",
]

# From here on a unit is taken for sure: its probability is 1 but for the last bits.
CERTAIN = 1 - 1e-12
WHOLE = 1e-6
# Half a 95 % interval is so many standard errors of the share; whole plans leave a little room below a target.
NORMAL_95, NEARLY = 1.96, 0.99
METHODS = ("srs", "pps_systematic")
RANDOM_BITS = 53
TAKE_ALL = "-A"
HASHED_AT_ONCE, DIGEST_WORDS = 2**14, 4
CELL_KEYS = ["province_code", "county_code", "agency_code", "plan_kind"]


# probabilities -----------------------------------------------------------------------------------


def inclusion_probabilities(size: npt.ArrayLike, n: float) -> FloatArray:
    """Make probabilities in proportion to size; who would be above 1 is taken for sure, and the rest share anew.

    Args:
        size: one size a unit, above 0.
        n: units to draw, their sum.

    Returns:
        pi, in the order of the units, with sum n.

    Raises:
        FrameMismatch: a size that is missing, zero or negative; n below 0 or above the number of units.
    Source:
        Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 3.6.2.
    """
    sizes = np.atleast_1d(np.asarray(size, dtype=np.float64))
    refuse_unusable(sizes, "size", np.nextafter(0.0, 1.0), "a size above 0")
    if not 0 <= n <= len(sizes):
        raise FrameMismatch(
            place="inclusion probabilities", found=f"n of {n} for {len(sizes)} units", wanted=f"0 to {len(sizes)}"
        )
    return _probabilities(sizes, np.zeros(len(sizes), dtype=np.int64), np.array([n], dtype=np.float64))


def systematic_pps(pi: npt.ArrayLike, start: float) -> IntArray:
    """Draw systematically: a unit is drawn when its stretch of the cumulated probabilities holds a point start + k.

    Units of probability 1 are set aside first; the last sum is taken for the whole number it stands for.

    Args:
        pi: inclusion probabilities in frame order, 0 to 1.
        start: the random start, 0 <= start < 1.

    Returns:
        0-based places of the units drawn, in frame order.

    Raises:
        FrameMismatch: a probability outside of 0 to 1 or missing; a start outside of [0, 1).
    Source:
        Madow (1949), On the theory of systematic sampling II, Annals of Mathematical Statistics 20(3).
    """
    chances, certain = _checked_probabilities(pi)
    if not 0 <= start < 1:
        raise FrameMismatch(place="systematic draw", found=f"a start of {start}", wanted="0 <= start < 1")
    if not certain.any():
        return _hit(np.cumsum(chances), start)
    rest = np.flatnonzero(~certain)
    certain[rest[_hit(np.cumsum(chances[rest]), start)]] = True
    return np.flatnonzero(certain)


def joint_inclusion_systematic(pi: npt.ArrayLike) -> FloatArray:
    """Give the probability that two units are drawn together by `systematic_pps`, for each pair.

    The starts that draw a unit are an arc of the circle [0, 1); two units share what their arcs share.

    Args:
        pi: inclusion probabilities in frame order, for small frames (the matrix has a cell a pair).

    Returns:
        Symmetric matrix, pi on its diagonal. A pair may have 0: such a design has no unbiased variance.

    Raises:
        FrameMismatch: see `systematic_pps`.
    Source:
        Connor (1966), An exact formula for the probability that two specified sample units will occur in a
        sample drawn with unequal probabilities and without replacement, JASA 61.
    """
    chances, certain = _checked_probabilities(pi)
    length = np.where(certain, 0.0, chances)
    begin = np.mod(np.cumsum(length) - length, 1.0)
    joint = np.zeros((len(chances), len(chances)))
    for turn in (-1.0, 0.0, 1.0):
        first = np.maximum(begin[:, None], begin[None, :] + turn)
        last = np.minimum((begin + length)[:, None], (begin + length)[None, :] + turn)
        joint += np.maximum(last - first, 0)
    joint[certain, :] = chances[None, :]
    joint[:, certain] = chances[:, None]
    joint[np.ix_(certain, certain)] = 1.0
    np.fill_diagonal(joint, np.where(certain, 1.0, chances))
    return joint


def random_numbers(codes: pd.Series, seed: str) -> FloatArray:
    """Give each unit its permanent random number: a hash of seed and code, so row order changes nothing.

    Args:
        codes: unit codes.
        seed: public seed of the draw.

    Returns:
        Numbers in [0, 1): the first 53 bits of SHA-256 of `seed|code`, which anyone can compute again.
    """
    if codes.empty:
        return np.empty(0)
    # DataFusion hashes on all cores with the processor's own instructions: a fifth of the time of hashlib's loop.
    table = pa.table({"row": np.arange(len(codes)), "code": pa.array(codes, type=pa.string())})
    engine = SessionContext()
    engine.register_record_batches("unit", [table.to_batches(max_chunksize=HASHED_AT_ONCE)])
    digest = functions.sha256(functions.concat(lit(f"{seed}|"), col("code"))).alias("digest")
    hashed = engine.table("unit").select(col("row"), digest).to_arrow_table()
    numbers = np.empty(len(codes))
    # Batches come back in any order.
    numbers[hashed["row"].to_numpy()] = _first_words(hashed["digest"]) >> np.uint64(64 - RANDOM_BITS)
    return numbers * 2.0**-RANDOM_BITS


# the draw ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Design:
    """How plans are drawn, as the guideline says it.

    Attributes:
        method: srs, or pps_systematic.
        size: column of the frame that probabilities follow, of pps_systematic.
        take_all_from: loan from which on every plan is taken [rial]; None takes none for sure.
        reserve_share: plans in reserve for one drawn, 0 to 1.
        overlap_share: plans of the round that it is coordinated with that may come again, 0 to 1.
    """

    method: str = "srs"
    size: str | None = None
    take_all_from: int | None = None
    reserve_share: float = 0.0
    overlap_share: float | None = None

    @classmethod
    def of(cls, rules: Mapping[str, Any]) -> Design:
        """Read the design from the values in force.

        Raises:
            GuidelineMissing: a method or a size nobody knows.
        """
        said: Mapping[str, str] = rules["design"]
        method = said.get("method", "srs")
        size = _or_none(said.get("size"))
        if method not in METHODS or (method == "pps_systematic") != (size is not None):
            raise GuidelineMissing(
                place="guideline sampling, design",
                found=f"method {method!r} with size {size!r}",
                wanted=f"one of {', '.join(METHODS)}; a size for pps_systematic and for no other",
            )
        reserve = _share("design, reserve_share", said.get("reserve_share", "0"))
        if reserve > 0 and method != "srs":
            raise GuidelineMissing(
                place="guideline sampling, design, reserve_share",
                found=f"a reserve of {reserve:g} for a draw by {method}",
                wanted="srs, the only design whose reserve continues the draw with known probabilities; or 0",
            )
        take_all, overlap = _or_none(said.get("take_all_from_rial")), _or_none(said.get("overlap_share"))
        if overlap is not None and method != "srs":
            # Systematic draws by size depend on where the order begins, not on whose numbers are smallest.
            raise GuidelineMissing(
                place="guideline sampling, design, overlap_share",
                found=f"a coordinated round drawn by {method}",
                wanted="srs, the only design whose overlap random numbers govern; or none",
            )
        return cls(
            method=method,
            size=size,
            take_all_from=int(take_all) if take_all else None,
            reserve_share=reserve,
            overlap_share=None if overlap is None else _share("design, overlap_share", overlap),
        )


@dataclass(frozen=True)
class Draw:
    """A draw: what was allocated, who was drawn, who stands in reserve.

    Attributes:
        allocation: one row a stratum, see `allocate_levels`.
        drawn: one row a drawn plan, by plan_id, see `draw_plans`.
        reserve: plan_id, stratum_code, release_order, one row a plan in reserve, by stratum and order.
        weight_excess: the sum of 1 / pi - 1 over the frame's plans, by stratum as in `allocation`: what an
            unknown mark's variance is multiplied by.
    """

    allocation: pd.DataFrame
    drawn: pd.DataFrame
    reserve: pd.DataFrame
    weight_excess: FloatArray


def strata(plans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    """Say in which stratum each plan lies: its county, apart from plans so large that every one is taken.

    Plans of an agency that a proportional draw would leave below its minimum have a stratum of their own in
    each county.

    Args:
        plans: province_code, county_code, agency_code, plan_kind, loan_paid_rial, one row a plan.
        rules: issued_plan_count, design, minimum_plans_per_agency (0: no agency has one).
    """
    cell, cells = _cells(plans, rules)
    return pd.Series(cells["stratum_code"].to_numpy()[cell], index=plans.index)


def allocate_levels(plans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Allocate the sample from the nation to provinces, and from each province to its strata.

    Args:
        plans: province_code, county_code, agency_code, loan_paid_rial, plan_kind, one row a plan of the frame.
        rules: issued_plan_count, design, allocation, planning_share, largest_province_workload,
            minimum_plans_per_county, minimum_plans_per_agency, required_province_codes; allocation_power
            and precision_targets where the allocation needs them.

    Returns:
        province_code, county_code, stratum_code, eligible_plan_count, sample_plan_count, planning_share,
        binding_bound (population, maximum, minimum, none), one row a stratum.

    Raises:
        FrameMismatch: the frame cannot bear the allocation, a province of the rules has nobody, or a county
            lies in two provinces.
    """
    return _allocated_strata(_cells(plans, rules)[1], rules)


def draw_plans(
    plans: pd.DataFrame, rules: Mapping[str, Any], seed: str, moved: pd.Series | None = None, root_seed: str = ""
) -> Draw:
    """Draw the plans to inspect.

    Simple random sampling takes in each stratum the n_h plans with the smallest permanent random numbers;
    systematic sampling orders them by these numbers, and draws with probability in proportion to size.

    A round that is coordinated with a former one uses the former's random numbers, moved on in each stratum
    (see `moved_on`).

    Args:
        plans: plan_id, province_code, county_code, agency_code, plan_kind, loan_paid_rial and the column of
            size, one row a plan of the frame.
        rules: see `allocate_levels`.
        seed: public seed of the round.
        moved: stratum -> number up to which plans of the former round come last; None for a round on its own.
        root_seed: seed that the random numbers of the former round were made with.

    Returns:
        The draw; `drawn` has plan_id, province_code, county_code, stratum_code, stratum_population_count,
        stratum_sample_count, inclusion_probability, random_number.

    Raises:
        FrameMismatch: see `allocate_levels`; a size that cannot be used.
        GuidelineMissing: a coordinated round without the round it is coordinated with.
    Source:
        Permanent random numbers: Ohlsson (1995), Coordination of samples, in Business Survey Methods.
        Random order before systematic drawing: Hartley and Rao (1962), Annals of Mathematical Statistics 33.
    """
    design = Design.of(rules)
    _refuse_lone_coordination(design, moved)
    # Hashing needs no lock of Python's, so it runs beside the allocation.
    with ThreadPoolExecutor(1) as pool:
        hashed = pool.submit(random_numbers, plans["plan_id"], root_seed or seed)
        cell, cells = _cells(plans, rules)
        allocated = _allocated_strata(cells, rules)
    place = pd.Index(allocated["stratum_code"]).get_indexer(cells["stratum_code"])[cell]
    queue = _queued(plans["plan_id"], hashed.result(), place, allocated, design, moved)
    if design.method == "srs":
        chosen = queue.rank < queue.sample_count[queue.place]
        chances = queue.sample_count / np.maximum(queue.population_count, 1)
        pi = chances[queue.place]
        weights = queue.population_count * _inverse(chances)
    else:
        chosen, pi = _drawn_by_size(plans, queue, allocated, seed, design)
        weights = np.add.reduceat(_inverse(pi), queue.first)
    excess = weights - queue.population_count
    taken = np.flatnonzero(chosen)
    taken = taken[np.argsort(queue.order[taken])]
    rows, place = queue.order[taken], queue.place[taken]
    drawn = plans[["plan_id", "province_code", "county_code"]].iloc[rows].reset_index(drop=True).assign(
        stratum_code=allocated["stratum_code"].array.take(place),
        stratum_population_count=queue.population_count[place],
        stratum_sample_count=queue.sample_count[place],
        inclusion_probability=pi[taken],
        random_number=queue.number[rows],
    )  # fmt: skip
    ordered = drawn["plan_id"].array
    # A frame comes by plan_id, and asking is quicker than sorting.
    if not (ordered[:-1] <= ordered[1:]).all():
        drawn = drawn.sort_values("plan_id", ignore_index=True)
    return Draw(allocated, drawn, _reserve(plans["plan_id"], queue, allocated), excess)


def expected_precision(draw: Draw, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Say how precise nation and provinces will be, and which constraint holds each, before anything is issued.

    Args:
        draw: as drawn.
        rules: allocation, largest_province_workload; precision_targets where the allocation is by precision.

    Returns:
        level (nation, province), unit_code, population_count, sample_count, planning_share, standard_error of the
        share, binding_bound: population (every plan is taken), workload (the province's limit), minimum (each
        stratum is at its least), precision (no plan can be spared), none.

    Raises:
        FrameMismatch: a stratum with plans and no sample.
    """
    strata = draw.allocation.rename(
        columns={"eligible_plan_count": "population_count", "sample_plan_count": "sample_count"}
    ).assign(weight_excess=draw.weight_excess)
    nation = allocation.expected_errors(strata).assign(level="nation", unit_code="IR")
    province = allocation.expected_errors(strata, ["province_code"]).rename_axis("unit_code").reset_index()
    table = pd.concat([nation, province.assign(level="province")], ignore_index=True)
    is_floor = strata["binding_bound"].isin(["minimum", "population"]).groupby(strata["province_code"]).all()
    limit = table["unit_code"].map(_workload_limit(province["unit_code"], rules))
    taken = table["sample_count"]
    is_tight = pd.Series(False, index=table.index)
    if str(rules["allocation"]) == "precision":
        target = table["level"].map({level: float(width) for level, width in rules["precision_targets"].items()})
        is_tight = NORMAL_95 * table["standard_error"] > target * NEARLY
    bound = pd.Series("none", index=table.index).mask(is_tight, "precision")
    bound = bound.mask(table["unit_code"].map(is_floor).eq(True), "minimum").mask(taken == limit, "workload")
    return table.assign(binding_bound=bound.mask(taken == table["population_count"], "population"))


def moved_on(former: pd.DataFrame, overlap_share: float) -> pd.Series:
    """Say up to which random number the plans of a former round come last in the next.

    With a share of 1 nobody moves, and the same plans come first again; with 0 all that were drawn come last.
    Since the order is random, what comes first is a simple random sample either way.

    Args:
        former: stratum_code, random_number, one row a drawn plan of the former round.
        overlap_share: part of a stratum's plans that may come again, 0 to 1.

    Returns:
        stratum -> number, for the strata in which any plan moves.
    Source:
        Ohlsson (1995), Coordination of samples using permanent random numbers, 9.3.
    """
    ordered = former.sort_values(["stratum_code", "random_number"])
    groups = ordered.groupby("stratum_code")
    last = np.ceil(groups["random_number"].transform("size") * (1 - overlap_share) - 1e-9)
    reached: pd.Series = ordered[groups.cumcount() + 1 == last].set_index("stratum_code")["random_number"]
    return reached


def released_probabilities(drawn: pd.DataFrame, reserve: pd.DataFrame, released: pd.Series) -> pd.DataFrame:
    """Give every plan of main list and released reserve the probability it had of being on either.

    The reserve continues the main list in the same random order, so n_h + k_h plans of a stratum are again a
    simple random sample. They replace nobody: each released plan is visited, each unreachable one counted.

    Args:
        drawn: as `Draw.drawn`.
        reserve: as `Draw.reserve`.
        released: stratum_code -> k_h, plans released in their order.

    Returns:
        plan_id, stratum_code, stratum_sample_count, inclusion_probability, by plan_id.

    Raises:
        FrameMismatch: more are released than stand in reserve.
    """
    standing = reserve.groupby("stratum_code").size().reindex(released.index, fill_value=0)
    if (released > standing).any():
        code = str((released > standing).idxmax())
        raise FrameMismatch(
            place=f"reserve, stratum {code}",
            found=f"{int(released[code])} plans to release",
            wanted=f"at most {int(standing[code])}, which stand there",
            remedy="Draw the next round with a larger reserve_share.",
        )
    out = reserve[reserve["release_order"] <= reserve["stratum_code"].map(released).fillna(0)]
    sizes = drawn.drop_duplicates("stratum_code").set_index("stratum_code")
    size = sizes["stratum_sample_count"] + released.reindex(sizes.index, fill_value=0)
    every = pd.concat([drawn[["plan_id", "stratum_code"]], out[["plan_id", "stratum_code"]]])
    every = every.assign(stratum_sample_count=every["stratum_code"].map(size).astype(np.int64))
    every["inclusion_probability"] = every["stratum_sample_count"] / every["stratum_code"].map(
        sizes["stratum_population_count"]
    )
    return every.sort_values("plan_id", ignore_index=True)


def draw_reinspections(issued: pd.DataFrame, rules: Mapping[str, Any], seed: str) -> pd.DataFrame:
    """Draw the visits that provincial inspectors repeat, and among those the ones that national ones repeat too.

    Drawn before the first visit is made, so it can know nothing of its verdict.

    Args:
        issued: plan_id, province_code, one row an issued plan.
        rules: reinspection with provincial_share (of a province's issued plans) and national_share (of those).
        seed: public seed of the round.

    Returns:
        plan_id, level (provincial, national), stratum_code (the province), stratum_population_count,
        stratum_sample_count, inclusion_probability (given the step before), random_number; by level, plan_id.
    Source:
        Two-phase sampling: Särndal, Swensson and Wretman (1992), ch. 9.
    """
    parts, pool = [], issued[["plan_id", "province_code"]].rename(columns={"province_code": "stratum_code"})
    for level in ("provincial", "national"):
        said = str(rules["reinspection"].get(f"{level}_share", "none"))
        _share(f"reinspection, {level}_share", said)
        pool = _second_phase(pool, Decimal(said), f"{seed}|{level}")
        parts.append(pool.assign(level=level))
        pool = pool[["plan_id", "stratum_code"]]
    columns = ["plan_id", "level", "stratum_code", "stratum_population_count", "stratum_sample_count",
               "inclusion_probability", "random_number"]  # fmt: skip
    return pd.concat(parts)[columns].sort_values(["level", "plan_id"], ignore_index=True)


def _first_words(digests: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Read the first 64 bits of each digest of 256."""
    words = [np.frombuffer(chunk.buffers()[2], ">u8")[::DIGEST_WORDS] for chunk in digests.chunks]
    return np.concatenate(words).astype(np.uint64)


# helpers of the probabilities --------------------------------------------------------------------


def _checked_probabilities(pi: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    chances = np.atleast_1d(np.asarray(pi, dtype=np.float64))
    refuse_unusable(chances, "inclusion probability", 0.0, "a probability from 0 to 1")
    if chances.max(initial=0.0) > 1 + 1e-9:
        place = int(np.argmax(chances))
        raise FrameMismatch(
            place=f"inclusion probability, unit {place + 1}", found=str(chances[place]), wanted="at most 1"
        )
    return chances, chances >= CERTAIN


def _hit(cumulated: FloatArray, start: float) -> IntArray:
    """Find the units in whose stretch [before, after) a point start + k lies."""
    total = float(cumulated[-1]) if len(cumulated) else 0.0
    whole = round(total)
    # By count, where the sum is whole: a start next to 1 would lose its last point to rounding.
    points = start + np.arange(whole) if abs(total - whole) < WHOLE else np.arange(start, total)
    # The last unit ends where the sum does, whatever the last bits of the running sum say.
    return np.minimum(np.searchsorted(cumulated, points, side="right"), len(cumulated) - 1).astype(np.int64)


def _probabilities(size: FloatArray, place: IntArray, n: FloatArray) -> FloatArray:
    """Do as `inclusion_probabilities` in every stratum at once.

    Args:
        size: one size a unit.
        place: the stratum of each unit, from 0.
        n: units to draw, by stratum.
    """
    left, open_size, sure, pi = n.copy(), size.copy(), np.zeros(len(size), dtype=bool), np.empty(len(size))
    while True:
        whole = np.bincount(place, weights=open_size, minlength=len(n))
        np.take(np.divide(left, whole, out=np.zeros(len(n)), where=whole > 0), place, out=pi, mode="clip")
        pi *= open_size
        more = np.flatnonzero(pi >= 1)
        if not len(more):
            pi[sure] = 1.0
            return pi
        sure[more], open_size[more] = True, 0.0
        left = np.maximum(left - np.bincount(place[more], minlength=len(n)), 0)


# helpers of the allocation -----------------------------------------------------------------------


def _share(name: str, said: str) -> float:
    try:
        share = float(said)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise GuidelineMissing(place=f"guideline sampling, {name}", found=repr(said), wanted="a share, 0 to 1")
    return share


def _or_none(text: str | None) -> str | None:
    return None if text in (None, "", "none", "null") else text


def _cells(plans: pd.DataFrame, rules: Mapping[str, Any]) -> tuple[IntArray, pd.DataFrame]:
    """Group the plans that an allocation cannot tell apart, so that it reads thousands of rows and not millions.

    Returns:
        The cell of each plan, from 0; and province_code, county_code, agency_code, plan_kind, stratum_code,
        plan_count, one row a cell.
    """
    design, least = Design.of(rules), int(rules["minimum_plans_per_agency"])
    limit = np.inf if design.take_all_from is None else design.take_all_from
    # Arrow codes a column of text without Python's lock.
    with ThreadPoolExecutor() as pool:
        coded = list(pool.map(_coded, (plans[column] for column in CELL_KEYS)))
    # Words of 32 bits group in a quarter of the time.
    word: type[np.signedinteger[Any]] = (
        np.int32 if 2 * math.prod(len(known) for _, known in coded) < np.iinfo(np.int32).max else np.int64
    )
    code = (plans["loan_paid_rial"].to_numpy(dtype=np.float64, na_value=np.nan) >= limit).astype(word)
    for place, known in coded:
        code *= word(len(known))
        code += place.astype(word)
    cell, codes = pd.factorize(code)
    some = np.zeros(len(codes), dtype=np.int64)
    some[cell] = np.arange(len(plans))
    cells = plans[[*CELL_KEYS, "loan_paid_rial"]].iloc[some].reset_index(drop=True)
    cells["plan_count"] = np.bincount(cell, minlength=len(codes))
    agency = cells.groupby("agency_code")["plan_count"].transform("sum")
    small = agency * (int(rules["issued_plan_count"]) / max(len(plans), 1)) < least
    stratum = cells["county_code"].mask(small, cells["county_code"] + "-" + cells["agency_code"])
    large = cells.pop("loan_paid_rial") >= limit
    return cell, cells.assign(stratum_code=stratum.mask(large, cells["county_code"] + TAKE_ALL))


def _coded(column: pd.Series) -> tuple[IntArray, pd.Index]:
    return pd.factorize(column, use_na_sentinel=False)


def _allocated_strata(cells: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    _refuse_county_in_two_provinces(cells)
    keys = ["province_code", "county_code", "stratum_code"]
    planned = cells["plan_count"] * _planning_shares(cells, rules)
    held = cells.assign(planned=planned).groupby(keys, as_index=False)[["plan_count", "planned"]].sum()
    table = held[keys].assign(
        eligible_plan_count=held["plan_count"],
        planning_share=np.round(held["planned"] / held["plan_count"], 12),
    )
    _refuse_empty_provinces(table, rules)
    table["minimum"] = _minima(table, cells, rules)
    table["maximum"] = table["eligible_plan_count"]
    table["sample_plan_count"] = _allocated(table, rules)
    bounds = table.rename(
        columns={
            "eligible_plan_count": "population_count", "sample_plan_count": "sample_count",
            "minimum": "minimum_count", "maximum": "maximum_count",
        }
    )  # fmt: skip
    table["binding_bound"] = allocation.binding_bounds(bounds)
    return table[[*keys, "eligible_plan_count", "sample_plan_count", "planning_share", "binding_bound"]]


def _planning_shares(cells: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    """Say what share of plans like each is expected to hold: it sets the allocation, never a figure."""
    shares = {kind: float(share) for kind, share in rules["planning_share"].items()}
    expected: pd.Series = cells["plan_kind"].map(shares).astype(np.float64).fillna(shares["default"])
    return expected


def _minima(table: pd.DataFrame, cells: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    """Find the least plans of each stratum: its part of the county's minimum, all of a take-all, the agency's."""
    size = table["eligible_plan_count"].to_numpy()
    county = table.groupby("county_code")["eligible_plan_count"].transform("sum").to_numpy()
    asked = int(rules["minimum_plans_per_county"])
    # A stratum of its own must show up too, or its plans could not be drawn at all.
    least = np.maximum(np.ceil(np.minimum(asked, county) * (size / county) - 1e-9), int(asked > 0))
    agency = int(rules["minimum_plans_per_agency"])
    if agency:
        whole = cells.groupby("agency_code")["plan_count"].sum()
        own = table["stratum_code"].str.partition("-")[2].map(whole).to_numpy(dtype=np.float64, na_value=np.inf)
        least = np.maximum(least, np.ceil(size * np.minimum(agency / own, 1) - 1e-9))
    take_all = table["stratum_code"] == table["county_code"] + TAKE_ALL
    return pd.Series(np.minimum(np.where(take_all, size, least), size).astype(np.int64), index=table.index)


def _allocated(cells: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    method = str(rules["allocation"])
    if method == "precision":
        return _allocated_by_precision(cells, rules)
    provinces = _province_sizes(cells, method, rules)
    sizes = np.zeros(len(cells), dtype=np.int64)
    counts = cells[["eligible_plan_count", "planning_share", "minimum", "maximum"]]
    for code, rows in cells.groupby("province_code").indices.items():
        part = counts.iloc[rows]
        sizes[rows] = _shared(part, method, int(provinces[str(code)]), part["minimum"], part["maximum"], rules)
    return pd.Series(sizes, index=cells.index)


def _province_sizes(cells: pd.DataFrame, method: str, rules: Mapping[str, Any]) -> pd.Series:
    groups = cells.assign(held=cells["planning_share"] * cells["eligible_plan_count"]).groupby("province_code")
    table = groups[["eligible_plan_count", "minimum", "maximum", "held"]].sum()
    table["planning_share"] = table.pop("held") / table["eligible_plan_count"]
    limit = _workload_limits(table, rules)
    return _shared(table, method, int(rules["issued_plan_count"]), table["minimum"], limit, rules)


def _workload_limit(codes: Iterable[str], rules: Mapping[str, Any]) -> pd.Series:
    said: Mapping[str, str] = rules["largest_province_workload"]
    usual = float(said["default"])
    return pd.Series({code: float(said.get(str(code), usual)) for code in codes}, dtype=np.float64)


def _workload_limits(provinces: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    limit = _workload_limit(provinces.index, rules)
    short = limit < provinces["minimum"]
    if short.any():
        code = str(short.idxmax())
        raise FrameMismatch(
            place=f"allocation, province {code}",
            found=f"a workload limit of {limit[code]:.0f} plans",
            wanted=f"at least {provinces['minimum'][code]:.0f}, the sum of its counties' minima",
            remedy="Raise the limit or lower minimum_plans_per_county in guidelines/sampling.yaml.",
        )
    bounded: pd.Series = limit.clip(upper=provinces["maximum"])
    return bounded


def _shared(
    cells: pd.DataFrame, method: str, n: int, minimum: pd.Series, maximum: pd.Series, rules: Mapping[str, Any]
) -> pd.Series:
    size = cells["eligible_plan_count"]
    if method == "proportional":
        return allocate(size, n, minimum, maximum)
    deviation = np.sqrt(allocation.planning_variances(cells["planning_share"], size))
    if method == "neyman":
        return pd.Series(allocate_neyman(size, deviation, n, minimum, maximum), index=cells.index)
    if method == "power":
        power = float(rules["allocation_power"])
        found = allocation.allocate_power(size, deviation, cells["planning_share"], power, n, minimum, maximum)
        return pd.Series(found, index=cells.index)
    raise GuidelineMissing(
        place="guideline sampling, allocation",
        found=repr(method),
        wanted="one of proportional, neyman, power, precision",
    )


def _allocated_by_precision(cells: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    """Take as few plans as meet the half-widths the guideline wants at nation and province."""
    wanted: Mapping[str, str] = rules["precision_targets"]
    size = cells["eligible_plan_count"].to_numpy(dtype=np.float64)
    spread = allocation.planning_variances(cells["planning_share"], size)
    codes = np.array(sorted(cells["province_code"].unique()), dtype=object)
    inside = cells["province_code"].to_numpy(dtype=object) == codes[:, None]
    domains = np.vstack([np.ones((1, len(cells)), dtype=bool), inside])
    half = np.array([float(wanted["nation"]), *[float(wanted["province"])] * len(codes)])
    targets = (half / NORMAL_95 * (domains * size).sum(axis=1)) ** 2
    names = ["half-width of the nation", *(f"half-width of province {code}" for code in codes)]
    found, _ = allocation.allocate_precision(
        size, np.where(domains, spread, 0.0), targets, np.maximum(cells["minimum"], 1), cells["maximum"], names
    )
    drawn = pd.Series(found, index=cells.index)
    _refuse_workload(cells.assign(drawn=drawn), rules)
    return drawn


def _refuse_workload(cells: pd.DataFrame, rules: Mapping[str, Any]) -> None:
    """Precision takes what it takes: where a province cannot bear that, one of the two has to give way by decision."""
    provinces = cells.groupby("province_code")[["minimum", "maximum", "drawn"]].sum()
    over = provinces["drawn"] - _workload_limits(provinces, rules)
    if (over > 0).any():
        code = str(over.idxmax())
        raise FrameMismatch(
            place=f"allocation by precision, province {code}",
            found=f"{int(provinces['drawn'][code]):,} plans that its target needs ({int((over > 0).sum())} such)",
            wanted=f"at most {int(provinces['drawn'][code] - over[code]):,}, its workload limit",
            remedy="Widen precision_targets, or raise largest_province_workload, in guidelines/sampling.yaml.",
        )


def _refuse_empty_provinces(cells: pd.DataFrame, rules: Mapping[str, Any]) -> None:
    required = set(rules["required_province_codes"])
    missing = sorted(required - set(cells["province_code"]))
    if missing:
        raise FrameMismatch(
            place=f"frame, province {', '.join(missing)}",
            found="no eligible plan",
            wanted="plans in every province that the guideline requires",
            remedy="See frame.excluded_plan and staging.rejected_row for what became of them.",
        )


def _refuse_county_in_two_provinces(cells: pd.DataFrame) -> None:
    pairs = cells[["county_code", "province_code"]].drop_duplicates()
    repeated = sorted(set(pairs.loc[pairs["county_code"].duplicated(), "county_code"]))
    if repeated:
        raise FrameMismatch(
            place=f"frame, county {', '.join(repeated)}",
            found="two provinces",
            wanted="each county in one province",
            remedy="Hold the county's plans to the list of the year, in reference/counties.csv.",
        )


# helpers of the draw -----------------------------------------------------------------------------


def _inverse(pi: FloatArray) -> FloatArray:
    # Where nobody is drawn, nothing is known: without end.
    with np.errstate(divide="ignore"):
        inverse: FloatArray = 1.0 / pi
    return inverse


def _refuse_lone_coordination(design: Design, moved: pd.Series | None) -> None:
    if design.overlap_share is not None and moved is None:
        raise GuidelineMissing(
            place="guideline sampling, design, overlap_share",
            found="a round that is coordinated, and no former one of this year that was issued",
            wanted="the round it is coordinated with",
            remedy="Issue phase 1 first, or set overlap_share to none.",
        )


@dataclass(frozen=True)
class _Queue:
    """The plans of every stratum in the order of their random numbers, as far as the draw looks.

    Attributes:
        order: rows of the frame, by stratum and random number.
        place: the stratum of each, from 0.
        number: the random number of each row of the frame.
        first: where each stratum begins; population_count, sample_count, reserve_count: by stratum.
    """

    order: IntArray
    place: IntArray
    number: FloatArray
    first: IntArray
    population_count: IntArray
    sample_count: IntArray
    reserve_count: IntArray

    @property
    def rank(self) -> IntArray:
        """Give the place of each in its stratum, from 0."""
        return np.arange(len(self.order)) - self.first[self.place]


def _queued(
    plan_id: pd.Series,
    number: FloatArray,
    place: IntArray,
    allocated: pd.DataFrame,
    design: Design,
    moved: pd.Series | None,
) -> _Queue:
    if moved is not None:
        reached = allocated["stratum_code"].map(moved).to_numpy(dtype=np.float64, na_value=-1.0)[place]
        # Below 1 by the last bit, so that a number stays one.
        last = 1 - reached - 2.0**-RANDOM_BITS
        number = np.where(number <= reached, number + last, number - np.maximum(reached, 0))
    population = allocated["eligible_plan_count"].to_numpy(dtype=np.int64)
    sizes = allocated["sample_plan_count"].to_numpy(dtype=np.int64)
    reserve = np.ceil(sizes * design.reserve_share - 1e-9).astype(np.int64)
    wanted = np.minimum(sizes + reserve, population) if design.method == "srs" else population
    rows = _within_reach(place, number, population, wanted)
    order = _by_stratum_and_number(rows, place, number, plan_id)
    counts = population if len(rows) == len(place) else np.bincount(place[rows], minlength=len(sizes))
    return _Queue(
        order, np.repeat(np.arange(len(sizes)), counts), number, np.cumsum(counts) - counts, population, sizes, reserve
    )


def _within_reach(place: IntArray, number: FloatArray, population: IntArray, wanted: IntArray) -> IntArray:
    """Leave out plans whose numbers are too large to be wanted: what is left holds the first ones, and sorts sooner."""
    if (wanted == population).all():
        return np.arange(len(number))
    reach = np.where(wanted < population, (wanted + 4 * np.sqrt(wanted)) / population, 1.0)
    rows = np.flatnonzero(number < reach[place])
    short = np.bincount(place[rows], minlength=len(wanted)) < wanted
    if not short.any():
        return rows
    return np.flatnonzero(number < np.where(short, 1.0, reach)[place])


def _by_stratum_and_number(rows: IntArray, place: IntArray, number: FloatArray, codes: pd.Series) -> IntArray:
    """Order rows by stratum and random number; of equal numbers, which are as good as impossible, by code.

    One word holds stratum, first bits of the number, and row: words sort in a quarter of the time that takes
    an order of them. The few rows that the first bits do not tell apart are put in order afterwards.
    """
    row_bits, place_bits = len(number).bit_length(), int(place.max(initial=0)).bit_length()
    number_bits = 64 - row_bits - place_bits
    # All of a frame are there already: no need to pick them.
    here = slice(None) if len(rows) == len(number) else rows
    words = (number[here] * 2.0**number_bits).astype(np.uint64) << np.uint64(row_bits)
    words |= place[here].astype(np.uint64) << np.uint64(row_bits + number_bits)
    words |= rows.astype(np.uint64)
    words.sort()
    order = (words & np.uint64((1 << row_bits) - 1)).astype(np.int64)
    words >>= np.uint64(row_bits)
    alike = np.flatnonzero(words[1:] == words[:-1])
    if len(alike):
        alike = np.union1d(alike, alike + 1)
        doubtful = order[alike]
        known = codes.iloc[doubtful].to_numpy(dtype=str)
        order[alike] = doubtful[np.lexsort((known, number[doubtful], words[alike]))]
    return order


def _drawn_by_size(
    plans: pd.DataFrame, queue: _Queue, allocated: pd.DataFrame, seed: str, design: Design
) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Do as `systematic_pps` in every stratum at once, each from a random start of its own."""
    size = _sizes(plans, str(design.size))[queue.order]
    pi = _probabilities(size, queue.place, queue.sample_count.astype(np.float64))
    start = random_numbers(allocated["stratum_code"], f"{seed}|start")[queue.place]
    certain, first = pi >= CERTAIN, queue.first
    length = np.where(certain, 0.0, pi)
    whole = np.round(np.add.reduceat(length, first))
    # Each stratum begins by taking off the whole number that the one before it came to, so sums stay small.
    after = length.copy()
    after[first[1:]] -= whole[:-1]
    np.cumsum(after, out=after)
    after -= (after[first] - length[first])[queue.place]
    # The sum of a stratum is a whole number, whatever the last bits of the running sum say.
    open_rows = np.flatnonzero(length)
    last = np.append(open_rows, -1)[np.searchsorted(open_rows, np.append(first[1:], len(length))) - 1]
    after[last[last >= first]] = whole[last >= first]
    after -= start
    np.ceil(after, out=after)
    hits = np.empty(len(after), dtype=bool)
    np.greater(after[1:], after[:-1], out=hits[1:])
    hits[first] = after[first] > 0
    pi[certain] = 1.0
    return certain | (hits & (length > 0)), pi


def _sizes(plans: pd.DataFrame, column: str) -> FloatArray:
    if column not in plans:
        raise GuidelineMissing(
            place="guideline sampling, design, size", found=repr(column), wanted=f"one of {', '.join(plans.columns)}"
        )
    size: FloatArray = plans[column].to_numpy(dtype=np.float64, na_value=np.nan)
    refuse_unusable(size, f"size {column}", np.nextafter(0.0, 1.0), "a size above 0", plans["plan_id"])
    return size


def _reserve(plan_id: pd.Series, queue: _Queue, allocated: pd.DataFrame) -> pd.DataFrame:
    if not queue.reserve_count.any():
        return pd.DataFrame(columns=["plan_id", "stratum_code", "release_order"])
    sizes, rank = queue.sample_count[queue.place], queue.rank
    standing = (rank >= sizes) & (rank < sizes + queue.reserve_count[queue.place])
    return pd.DataFrame(
        {
            "plan_id": plan_id.iloc[queue.order[standing]].to_numpy(),
            "stratum_code": allocated["stratum_code"].to_numpy()[queue.place[standing]],
            "release_order": (rank - sizes + 1)[standing],
        }
    )


def _second_phase(pool: pd.DataFrame, share: Decimal, seed: str) -> pd.DataFrame:
    counts = pool["stratum_code"].map(pool["stratum_code"].value_counts()).astype(np.int64)
    # Decimal shares: a ceiling of 0.07 * 100 in binary would be 8.
    top, bottom = share.as_integer_ratio()
    taken = -(-counts * top // bottom)
    table = pool.assign(
        stratum_population_count=counts,
        stratum_sample_count=taken,
        inclusion_probability=taken / counts,
        random_number=random_numbers(pool["plan_id"], seed),
    ).sort_values(["stratum_code", "random_number", "plan_id"])
    return table[table.groupby("stratum_code").cumcount() < table["stratum_sample_count"]]
