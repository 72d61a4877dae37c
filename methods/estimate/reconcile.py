"""Reconciliation: what a published rate says of itself, and which readings of the store yield it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods import persian
from methods.errors import FrameMismatch, SettingWrong

ROUNDINGS = ("half-up", "truncated")
EITHER = "either"
MOST_DECIMALS = 6
# Expansion weights in whole 2**-20ths of a plan, so that every sum is exact.
WEIGHT_UNIT = 2**20
UNREACHED = frozenset({"non_contact", "refused", "moved"})
ANSWERS = ("reached", "confirms", "denies_loan")
# Weight -> the column that is added up; those of a design are of the sample alone.
WEIGHTS = {
    "plan": "plan_count",
    "loan": "loan_paid_rial",
    "registered_job": "registered_job_count",
    "estimated_plan": "estimated_plan",
    "estimated_loan": "estimated_loan",
    "estimated_job": "estimated_job",
}
# Jobs seen are held against jobs registered, not against themselves.
FOUND = {"registered_job": "jobs_found_count", "estimated_job": "estimated_job_found"}
UNITS = {"mean_of_provinces": "province_code", "mean_of_counties": "county_code", "mean_of_agencies": "agency_code"}
COLUMNS = (
    "numerator", "denominator", "exclusion", "weight", "departure_count", "numerator_value", "denominator_value",
)  # fmt: skip

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


# the claim ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """Whole numbers from `lower` to `upper`, both counted; no `upper` means without end."""

    lower: int
    upper: int | None

    @property
    def is_empty(self) -> bool:
        """Whether no whole number lies in it."""
        return self.upper is not None and self.lower > self.upper

    def __str__(self) -> str:
        """Say it in words."""
        if self.is_empty:
            return "none"
        return f"{self.lower:,} or more" if self.upper is None else f"{self.lower:,} to {self.upper:,}"


@dataclass(frozen=True)
class Claim:
    """A published rate with what was published beside it.

    Attributes:
        percent: the rate as printed [percent]; None where only counts were published.
        decimals: places it is printed with.
        rounding: half-up, truncated, or either.
        is_below: it says only that the rate is below `percent`.
        numerator: of the rate, where published.
        denominator: of the rate, where published.
        parts: published addends of the numerator.
        is_derived: numerator or denominator was worked out from the rate, so it proves nothing.
    """

    percent: Fraction | None
    decimals: int = 0
    rounding: str = EITHER
    is_below: bool = False
    numerator: int | None = None
    denominator: int | None = None
    parts: tuple[int, ...] = ()
    is_derived: bool = False

    @classmethod
    def of(
        cls,
        claimed: str,
        decimals: int | None = None,
        rounding: str = EITHER,
        numerator: int | None = None,
        denominator: int | None = None,
    ) -> Claim:
        """Read a rate as it was printed: `74`, `16.5` or `<3`, in Latin or Persian digits.

        Raises:
            SettingWrong: not a percentage of 0 to 100; more decimals than asked for; a rounding nobody knows; a
                denominator below 1, a numerator below 0 or above its denominator.
        """
        # A rate is often copied from a Persian page.
        text = persian.conform(claimed).replace("٫", ".").strip(" %٪")
        percent, written = _percent(text.removeprefix("<").strip())
        places = written if decimals is None else decimals
        if not written <= places <= MOST_DECIMALS:
            raise SettingWrong(
                place="--decimals", found=str(places), wanted=f"{written} to {MOST_DECIMALS} for a rate of {claimed}"
            )
        if rounding not in (*ROUNDINGS, EITHER):
            raise SettingWrong(place="--rounding", found=rounding, wanted=", ".join((*ROUNDINGS, EITHER)))
        _refuse_impossible_parts(numerator, denominator)
        return cls(percent, places, rounding, text.startswith("<"), numerator, denominator)

    @property
    def spans(self) -> dict[str, tuple[Fraction, Fraction]]:
        """Rates that would be printed so, by rounding: from the lower one, up to but without the upper one."""
        if self.percent is None:
            return {}
        rate, unit = self.percent / 100, Fraction(1, 100 * 10**self.decimals)
        if self.is_below:
            return {"below": (Fraction(0), rate)}
        every = {"half-up": (max(rate - unit / 2, Fraction(0)), rate + unit / 2), "truncated": (rate, rate + unit)}
        return {name: every[name] for name in ROUNDINGS if self.rounding in (name, EITHER)}

    def is_met_by(self, rate: Fraction) -> bool:
        """Say whether a rate would be printed as claimed."""
        return any(lower <= rate < upper for lower, upper in self.spans.values())


@dataclass(frozen=True)
class Arithmetic:
    """What a claim's own numbers say.

    Attributes:
        verdict: ok, does_not_reconcile, derived, rate_only, sum_ok, sum_does_not_add_up, counts_only.
        statement: the verdict as a sentence.
        rate: numerator over denominator; None where either is missing.
        denominators: by rounding, those with which the numerator yields the rate.
        numerators: by rounding, those with which the denominator yields it.
    """

    verdict: str
    statement: str
    rate: Fraction | None
    denominators: Mapping[str, Span]
    numerators: Mapping[str, Span]


def check_arithmetic(claim: Claim) -> Arithmetic:
    """Hold a claim against its own numbers, before anything is looked up.

    Returns:
        The verdict, and which denominators and numerators the claimed rate needs.
    """
    numerator, denominator = claim.numerator, claim.denominator
    rate = None if numerator is None or denominator is None else Fraction(numerator, denominator)
    verdict, statement = _verdict(claim, rate)
    needed = {} if numerator is None else {name: _denominators(numerator, *span) for name, span in claim.spans.items()}
    meeting = (
        {} if denominator is None else {name: _numerators(denominator, *span) for name, span in claim.spans.items()}
    )
    return Arithmetic(verdict, statement, rate, needed, meeting)


def printed(rate: Fraction, decimals: int, rounding: str) -> str:
    """Print a rate as a percentage of so many decimals, rounded half up or truncated."""
    scaled = rate * 100 * 10**decimals
    whole = math.floor(scaled + Fraction(1, 2)) if rounding == "half-up" else math.floor(scaled)
    left, right = divmod(whole, 10**decimals)
    return f"{left}.{right:0{decimals}d}" if decimals else str(left)


def _percent(text: str) -> tuple[Fraction, int]:
    whole, point, places = text.partition(".")
    is_number = whole.isascii() and whole.isdecimal() and (places.isascii() and places.isdecimal() or not point)
    if not is_number or not 0 <= Fraction(text) <= 100:
        raise SettingWrong(place="--claimed", found=repr(text), wanted="a percentage from 0 to 100, such as 74 or 16.5")
    return Fraction(text), len(places)


def _refuse_impossible_parts(numerator: int | None, denominator: int | None) -> None:
    if denominator is not None and denominator < 1:
        raise SettingWrong(place="--denominator", found=str(denominator), wanted="1 or more")
    if numerator is not None and numerator < 0:
        raise SettingWrong(place="--numerator", found=str(numerator), wanted="0 or more")
    if numerator is not None and denominator is not None and numerator > denominator:
        raise SettingWrong(
            place="--numerator", found=str(numerator), wanted=f"at most the denominator, {denominator}: a part of it"
        )


def _verdict(claim: Claim, rate: Fraction | None) -> tuple[str, str]:
    if claim.percent is None:
        return _verdict_of_sum(claim)
    if rate is None:
        missing = "numerator" if claim.denominator is not None else "denominator"
        return "rate_only", f"rate only: no {missing} was given; no denominator can be checked"
    shown = f"{claim.numerator:,} / {claim.denominator:,} = {printed(rate, 2, 'half-up')} %"
    if not claim.is_met_by(rate):
        return "does_not_reconcile", f"{shown}: does not reconcile"
    if claim.is_derived:
        return "derived", f"{shown}: a part was worked out from the rate itself, so it proves nothing"
    return "ok", f"{shown}: reconciles"


def _verdict_of_sum(claim: Claim) -> tuple[str, str]:
    if not claim.parts:
        return "counts_only", "no rate was claimed"
    total = sum(claim.parts)
    if claim.numerator == total:
        return "sum_ok", f"{len(claim.parts)} parts add up to {total:,}"
    return "sum_does_not_add_up", f"{len(claim.parts)} parts add up to {total:,}, not to {claim.numerator:,}"


def _denominators(numerator: int, lower: Fraction, upper: Fraction) -> Span:
    # lower <= n / d < upper, for whole d that are no smaller than n.
    least = max(math.floor(numerator / upper) + 1, numerator, 1) if upper else 1
    if lower:
        return Span(least, math.floor(numerator / lower))
    return Span(least, None) if upper else Span(1, 0)


def _numerators(denominator: int, lower: Fraction, upper: Fraction) -> Span:
    return Span(math.ceil(lower * denominator), min(math.ceil(upper * denominator) - 1, denominator))


# readings ----------------------------------------------------------------------------------------


def list_readings(tallies: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Say of every tally what it would print, and whether that is what was claimed.

    Args:
        tallies: COLUMNS, one row a reading; values are whole numbers (of estimated plans and jobs, of their
            2**-20ths), or the sum of unit rates as a fraction.
        claim: the rate to look for.

    Returns:
        The same with rate (a Fraction), half_up and truncated (as printed), has_claimed_numerator,
        has_claimed_denominator and yields; those that yield it first, then those with the claimed numerator,
        then the plainest. A tally without a denominator is no reading.
    """
    some = tallies[tallies["denominator_value"] > 0].reset_index(drop=True)
    numerator, denominator = some["numerator_value"].to_numpy(object), some["denominator_value"].to_numpy(object)
    rates = [Fraction(n) / d for n, d in zip(numerator, denominator, strict=True)]
    table = some.assign(
        rate=pd.Series(rates, dtype=object),
        half_up=[printed(rate, claim.decimals, "half-up") for rate in rates],
        truncated=[printed(rate, claim.decimals, "truncated") for rate in rates],
        has_claimed_numerator=numerator == claim.numerator,
        has_claimed_denominator=denominator == claim.denominator,
        yields=np.array([claim.is_met_by(rate) for rate in rates], dtype=np.bool_),
    )
    table["has_claimed_numerator"] &= table["weight"] == "plan"
    table["has_claimed_denominator"] &= table["weight"] == "plan"
    order = ["yields", "has_claimed_numerator", "departure_count", "numerator", "denominator", "exclusion", "weight"]
    return table.sort_values(order, ascending=[False, False, *[True] * 5], ignore_index=True)


def never_yielding(readings: pd.DataFrame) -> dict[str, list[str]]:
    """Name the numerators, denominators, weights and exclusions of which no reading yields the claim.

    An exclusion is one where it is left out alone or with others.
    """
    fitting = readings[readings["yields"]]
    found = {kind: sorted(set(readings[kind]) - set(fitting[kind])) for kind in ("numerator", "denominator", "weight")}
    return found | {"exclusion": sorted(_left_out(readings) - _left_out(fitting))}


def _left_out(readings: pd.DataFrame) -> set[str]:
    return set(readings["exclusion"].str.split("[;,] ", regex=True).explode())


# tallies of the store ----------------------------------------------------------------------------


def tally(cells: pd.DataFrame, repeats: pd.DataFrame) -> pd.DataFrame:
    """Count every numerator over every denominator, with each weight and each exclusion.

    Args:
        cells: province_code, county_code, agency_code, plan_kind, outcome (what became of the plan: not_issued,
            not_attempted, non_contact, refused, moved, pending or a verdict), is_eligible, is_issued, is_supervised,
            is_decided, is_confirmed, phone_outcome, sms_outcome (None: not tried), inclusion_probability (None: not
            issued), plan_count, loan_paid_rial, registered_job_count, jobs_found_count; one row a kind of plan.
        repeats: level, is_decided, is_confirmed, verdict, and first_ of these; one row a repeated visit.

    Returns:
        COLUMNS, one row a reading. departure_count says how far it is from confirmed plans over a whole group of
        plans, each plan counting once.

    Raises:
        FrameMismatch: sums too large to be exact.
    """
    counted = _with_estimates(cells.reset_index(drop=True))
    groups, found = _groups(counted), _numerators_of(counted)
    pairs = _pairs(counted, groups)
    parts = [
        *_weighted(counted, groups, found, pairs),
        *_averaged(counted, groups, found, pairs),
        *_agreement(repeats),
    ]
    return pd.DataFrame(parts, columns=list(COLUMNS)).astype({"numerator_value": object, "denominator_value": object})


@dataclass(frozen=True)
class _Pair:
    """A numerator over a group of plans, of which some outcomes are left out."""

    numerator: str
    denominator: str
    left_out: tuple[str, ...] = ()


def _with_estimates(cells: pd.DataFrame) -> pd.DataFrame:
    chance = pd.to_numeric(cells["inclusion_probability"]).astype(np.float64)
    weight = (1 / chance).where(cells["is_issued"].astype(bool), 0.0)
    added = {
        "estimated_plan": np.round(cells["plan_count"] * weight * WEIGHT_UNIT),
        "estimated_loan": np.round(cells["loan_paid_rial"] * weight),
        "estimated_job": np.round(cells["registered_job_count"] * weight * WEIGHT_UNIT),
        "estimated_job_found": np.round(cells["jobs_found_count"] * weight * WEIGHT_UNIT),
    }
    counted = cells.assign(**added)
    columns = [*WEIGHTS.values(), *FOUND.values()]
    largest = counted[columns].astype(np.float64).sum().max()
    if not largest < 2**62:
        raise FrameMismatch(
            place="tallies", found=f"a sum of {largest:.3g}", wanted="sums below 2**62, which are exact"
        )
    return counted.astype(dict.fromkeys(columns, np.int64))


def _groups(cells: pd.DataFrame) -> dict[str, BoolArray]:
    issued, supervised = _mark(cells, "is_issued"), _mark(cells, "is_supervised")
    decided = _mark(cells, "is_decided")
    phoned, wrote = cells["phone_outcome"], cells["sms_outcome"]
    on_phone = phoned.isin(ANSWERS).to_numpy()
    return {
        "registered": np.ones(len(cells), dtype=np.bool_),
        "eligible": _mark(cells, "is_eligible"),
        "issued": issued,
        "supervised": supervised,
        "contacted": supervised & ~cells["outcome"].isin(UNREACHED).to_numpy(),
        "decided": decided,
        "phoned": phoned.notna().to_numpy(),
        "reached_by_phone": on_phone,
        "contacted_by_desk": (phoned.notna() | wrote.notna()).to_numpy(),
        "reached_by_desk": on_phone | wrote.isin(ANSWERS).to_numpy(),
        "reached_by_phone_and_issued": on_phone & issued,
        "reached_by_phone_and_decided": on_phone & decided,
    }


def _numerators_of(cells: pd.DataFrame) -> dict[str, BoolArray]:
    confirmed, decided = _mark(cells, "is_confirmed"), _mark(cells, "is_decided")
    by_phone = (cells["phone_outcome"] == "confirms").to_numpy(dtype=np.bool_, na_value=False)
    by_sms = (cells["sms_outcome"] == "confirms").to_numpy(dtype=np.bool_, na_value=False)
    return {
        "confirmed": confirmed,
        "not_refused": _mark(cells, "is_supervised") & (confirmed | ~decided),
        "confirmed_by_phone": by_phone,
        "confirmed_by_desk": by_phone | by_sms,
        "jobs_found": np.ones(len(cells), dtype=np.bool_),
    }


def _pairs(cells: pd.DataFrame, groups: Mapping[str, BoolArray]) -> list[_Pair]:
    plain = {
        "confirmed": (
            "registered", "eligible", "issued", "supervised", "contacted", "decided",
            "reached_by_phone_and_issued", "reached_by_phone_and_decided",
        ),
        "not_refused": ("issued", "supervised"),
        "confirmed_by_phone": ("phoned", "reached_by_phone", "registered"),
        "confirmed_by_desk": ("contacted_by_desk", "reached_by_desk", "registered"),
        "jobs_found": ("supervised", "contacted", "decided"),
    }  # fmt: skip
    undecided = set(cells.loc[groups["supervised"] & ~groups["decided"], "outcome"])
    # These two have names of their own: contacted, decided.
    named = [undecided & UNREACHED, undecided]
    left_out = [subset for subset in _subsets(sorted(undecided)) if set(subset) not in named]
    return [
        *(_Pair(numerator, denominator) for numerator, among in plain.items() for denominator in among),
        *(_Pair(numerator, "supervised", one) for numerator in ("confirmed", "not_refused") for one in left_out),
    ]


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1))


def _exclusions(cells: pd.DataFrame, groups: Mapping[str, BoolArray]) -> dict[str, BoolArray]:
    """Name the parts of the programme that a rate may have left out, and mark what stays."""
    kept = {"": np.ones(len(cells), dtype=np.bool_)}
    for column, word in (("agency_code", "agency"), ("plan_kind", "plan kind")):
        for code in sorted(cells[column].dropna().unique()):
            kept[f"{word} {code}"] = (cells[column] != code).to_numpy(dtype=np.bool_, na_value=True)
    supervised = cells["plan_count"].where(groups["supervised"], 0)
    by_province = supervised.groupby(cells["province_code"]).sum()
    # Less than half of what each would have if all had as many.
    small = by_province.index[by_province * 2 * len(by_province) < by_province.sum()]
    if len(small):
        kept[f"{len(small)} small provinces"] = ~cells["province_code"].isin(small).to_numpy()
    return kept


def _masks(
    cells: pd.DataFrame, groups: Mapping[str, BoolArray], found: Mapping[str, BoolArray], pairs: Sequence[_Pair]
) -> tuple[BoolArray, BoolArray]:
    """Mark the plans of each pair's denominator and numerator, a column a pair."""
    below = [groups[pair.denominator] & ~cells["outcome"].isin(pair.left_out).to_numpy() for pair in pairs]
    above = [found[pair.numerator] & inside for pair, inside in zip(pairs, below, strict=True)]
    return np.column_stack(above), np.column_stack(below)


def _weighted(
    cells: pd.DataFrame, groups: Mapping[str, BoolArray], found: Mapping[str, BoolArray], pairs: Sequence[_Pair]
) -> Iterator[tuple[Any, ...]]:
    above, below = _masks(cells, groups, found, pairs)
    columns = [*WEIGHTS.values(), *FOUND.values()]
    values = cells[columns].to_numpy(dtype=np.int64)
    is_of_sample = np.logical_and.reduce(~below | groups["issued"][:, None], axis=0)
    measures = [
        (place, weight, columns.index(top), columns.index(WEIGHTS[weight]))
        for place, pair in enumerate(pairs)
        for weight, top in (FOUND if pair.numerator == "jobs_found" else WEIGHTS).items()
        if is_of_sample[place] or not weight.startswith("estimated")
    ]
    for exclusion, stays in _exclusions(cells, groups).items():
        tops, bottoms = ((mask & stays[:, None]).T @ values for mask in (above, below))
        for place, weight, top, bottom in measures:
            yield _reading(pairs[place], exclusion, weight, int(tops[place, top]), int(bottoms[place, bottom]))


def _averaged(
    cells: pd.DataFrame, groups: Mapping[str, BoolArray], found: Mapping[str, BoolArray], pairs: Sequence[_Pair]
) -> Iterator[tuple[Any, ...]]:
    own = [pair for pair in pairs if pair.numerator != "jobs_found"]
    above, below = _masks(cells, groups, found, own)
    count = cells["plan_count"].to_numpy(dtype=np.int64)[:, None]
    for exclusion, stays in _exclusions(cells, groups).items():
        tops = pd.DataFrame(above * count * stays[:, None])
        bottoms = pd.DataFrame(below * count * stays[:, None])
        for weight, unit in UNITS.items():
            by_unit = [table.groupby(cells[unit]).sum().to_numpy() for table in (tops, bottoms)]
            for place, pair in enumerate(own):
                summed, unit_count = _sum_of_rates(by_unit[0][:, place], by_unit[1][:, place])
                yield _reading(pair, exclusion, weight, summed, unit_count)


def _sum_of_rates(numerator: IntArray, denominator: IntArray) -> tuple[Fraction, int]:
    """Add the rates of units up, exactly; one without a denominator has none."""
    some = denominator > 0
    below = [int(value) for value in denominator[some]]
    # One common denominator is far quicker than a fraction a unit.
    common = math.lcm(*below)
    total = sum(int(top) * (common // bottom) for top, bottom in zip(numerator[some], below, strict=True))
    return Fraction(total, common), len(below)


def _reading(pair: _Pair, exclusion: str, weight: str, top: int | Fraction, bottom: int) -> tuple[Any, ...]:
    is_other = (pair.numerator != "confirmed") + (weight != "plan") + bool(exclusion)
    left_out = "; ".join(part for part in (", ".join(pair.left_out), exclusion) if part)
    departures = is_other + len(pair.left_out)
    return (pair.numerator, pair.denominator, left_out or "none", weight, departures, top, bottom)


def _agreement(repeats: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Read the rate as the agreement of first visits with their blind repeats."""
    first, again = _mark(repeats, "first_is_decided"), _mark(repeats, "is_decided")
    before, after = _mark(repeats, "first_is_confirmed"), _mark(repeats, "is_confirmed")
    same = (repeats["first_verdict"] == repeats["verdict"]).to_numpy(dtype=np.bool_)
    both = first & again
    kinds = {
        ("repeat_of_same_verdict", "repeated_and_decided"): (both & same, both),
        ("repeat_agrees_on_confirmation", "repeated_and_decided"): (both & (before == after), both),
        ("confirmed_again", "confirmed_first_and_repeated"): (again & before & after, again & before),
        ("confirmed_by_repeat", "repeat_decided"): (after, again),
    }
    levels = {f"level {level}": repeats["level"] != level for level in sorted(repeats["level"].unique())}
    for exclusion, stays in ({"": np.ones(len(repeats), dtype=np.bool_)} | levels).items():
        kept = np.asarray(stays, dtype=np.bool_)
        for (numerator, denominator), (above, below) in kinds.items():
            pair = _Pair(numerator, denominator)
            yield _reading(pair, exclusion, "plan", int((above & kept).sum()), int((below & kept).sum()))


def _mark(table: pd.DataFrame, column: str) -> BoolArray:
    return table[column].to_numpy(dtype=np.bool_, na_value=False)
