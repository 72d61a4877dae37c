"""Rates whose verdicts are known in phases: a sample of plans, those of it that answer, those of these repeated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.prevalence import jeffreys_interval, joined_interval
from methods.estimate.strata import CERTAIN

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Round:
    """The issued plans as arrays, stratum by stratum.

    Attributes:
        start: where each stratum begins.
        weight: 1 / inclusion probability.
        attempted: whether anyone went; so are decided, and of these confirmed.
        decided: whether a first visit came to a decision.
        confirmed: whether it confirmed.
        repeated: whether a decided plan was repeated, and the repeat came to a decision too.
        again: 1 / the probability to be repeated; 0 where not repeated.
        confirmed_again: whether the repeat confirmed.
        confidence: level of the intervals.
    """

    start: IntArray
    weight: FloatArray
    attempted: BoolArray
    decided: BoolArray
    confirmed: BoolArray
    repeated: BoolArray
    again: FloatArray
    confirmed_again: BoolArray
    confidence: float


@dataclass(frozen=True)
class Units:
    """The units of a level, and the place of each plan's own among them."""

    level: str
    codes: list[str]
    of_plan: IntArray

    def sums(self, values: npt.ArrayLike) -> FloatArray:
        """Add a value up by unit."""
        own = np.asarray(values, dtype=np.float64)
        return np.asarray(np.bincount(self.of_plan, weights=own, minlength=len(self.codes)), dtype=np.float64)

    def sums_by_verdict(self, found: Round, values: npt.ArrayLike) -> FloatArray:
        """Add a value up by unit and first verdict, not confirmed and confirmed: shape units x 2."""
        cell = 2 * self.of_plan + found.confirmed
        sums = np.bincount(cell, weights=np.asarray(values, dtype=np.float64), minlength=2 * len(self.codes))
        return np.asarray(sums.reshape(-1, 2), dtype=np.float64)

    def degrees_of_freedom(self, found: Round) -> IntArray:
        """Count plans less strata, not below 1."""
        stratum = np.repeat(np.arange(len(found.start)), np.diff(found.start, append=len(self.of_plan)))
        pairs = np.unique(self.of_plan * len(found.start) + stratum) // max(len(found.start), 1)
        strata = np.bincount(pairs, minlength=len(self.codes))
        free = np.bincount(self.of_plan, minlength=len(self.codes)) - strata
        return np.asarray(np.maximum(free, 1), dtype=np.int64)


@dataclass(frozen=True)
class Answers:
    """Who answers for whom.

    Attributes:
        base: the plans a rate speaks of.
        factor: how many plans of its class each decided one answers for, in weight; 0 for others.
        of_plan: the class of each plan of the base, from 0; -1 for others.
    """

    base: BoolArray
    factor: FloatArray
    of_plan: IntArray


@dataclass(frozen=True)
class Repeats:
    """What repeats say of first verdicts.

    Attributes:
        share: of the plans of a unit and first verdict, the share a repeat confirms: shape units x 2.
        size: the simple random sample of repeats that would know it as well; infinite where all are repeated.
        expected: of each plan, that share; its first verdict where its unit is not measured.
        residual: of each repeat, the distance of its verdict from that; 0 for others.
        expansion: of each repeat, how many decided plans it stands for, in weight; 0 for others.
        inflation: of each plan, n / (n - 1) of the repeats of its unit and first verdict.
    """

    share: FloatArray
    size: FloatArray
    expected: FloatArray
    residual: FloatArray
    expansion: FloatArray
    inflation: FloatArray


@dataclass(frozen=True)
class Rate:
    """A rate of every unit of a level, and its variance by source."""

    estimate: FloatArray
    sampling: FloatArray
    nonresponse: FloatArray
    measurement: FloatArray
    lower: FloatArray
    upper: FloatArray

    @property
    def standard_error(self) -> FloatArray:
        """Put the three sources together."""
        return np.asarray(np.sqrt(self.sampling + self.nonresponse + self.measurement), dtype=np.float64)


def learn_from_repeats(found: Round, units: Units, answers: Answers, measured: BoolArray) -> Repeats:
    """Learn from the repeats what first verdicts are worth, each as often as it stands for others.

    Repeats are weighed up to the decided plans of their unit and first verdict, so a repeat that came to no
    decision is answered for by the others of that verdict.

    Args:
        found: the round.
        units: of a level.
        answers: who answers for whom.
        measured: the units whose repeats bear it.

    Source:
        Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 9.7 (regression in the second phase; the
        groups are the first verdicts).
    """
    first = np.where(found.decided, found.weight * answers.factor, 0.0)
    base = first * found.again
    whole, seen = units.sums_by_verdict(found, first), units.sums_by_verdict(found, base)
    safe = np.where(seen > 0, seen, 1.0)
    share = np.where(seen > 0, units.sums_by_verdict(found, base * found.confirmed_again) / safe, np.nan)
    count = units.sums_by_verdict(found, found.repeated)
    inflation = np.where(count > 1, count / np.maximum(count - 1, 1), 1.0)
    cell = 2 * units.of_plan + found.confirmed
    known = measured[units.of_plan] & found.decided
    expected = np.where(known, np.nan_to_num(share).reshape(-1)[cell], found.confirmed)
    # Where they are repeated in full one stands for one, whatever the last bits say.
    expansion = np.where(found.repeated, np.maximum(found.again * (whole / safe).reshape(-1)[cell], 1.0), 0.0)
    residual = np.where(found.repeated & known, found.confirmed_again - expected, 0.0)
    noise = first**2 * expansion * np.maximum(expansion - 1, 0)
    spread = units.sums_by_verdict(found, noise * residual**2) * inflation
    with np.errstate(divide="ignore", invalid="ignore"):
        size = whole**2 * share * (1 - share) / spread
        kish = whole**2 / units.sums_by_verdict(found, noise)
    # A share of 0 or 1 shows no spread; then the weights alone say how many repeats it rests on.
    size = np.where((share > 0) & (share < 1), size, kish)
    return Repeats(share, size, expected, residual, expansion, inflation.reshape(-1)[cell])


def rates(found: Round, units: Units, answers: Answers, repeats: Repeats | None) -> tuple[Rate, Rate]:
    """Estimate the accuracy rate and the crude confirmation rate of each unit.

    The crude rate is the accuracy rate times the scope: the base over the attempted plans. With w the design weight,
    a the factor of an answer, b the expansion of a repeat, and e what a phase adds to the expectation given the
    phase before, the variance is that of a stratified sample of the influence of each plan, with sum w^2 a (a - 1) e^2
    of response, and sum w^2 a^2 b (b - 1) e^2 of the repeats.

    Returns:
        Both rates; missing where a unit has no decided plan.
    Source:
        Särndal, Swensson and Wretman (1992), 9.3, 9.8 and 15.6.2; Shao and Steel (1999), JASA 94(445), for the order
        of sampling and response in the variance; interval: Korn and Graubard (1998), joined with those of the shares
        of the repeats by Zou and Donner (2008).
    """
    mass = np.where(found.decided, found.weight * answers.factor, 0.0)
    total = _or_missing(units.sums(mass))
    expected = found.confirmed.astype(np.float64) if repeats is None else repeats.expected
    accuracy = units.sums(mass * expected) / total
    score = np.nan_to_num((expected - accuracy[units.of_plan]) / total[units.of_plan]) * found.decided
    influence, added = _influence(found, units, answers, score)
    noise = (found.weight**2 * answers.factor * (answers.factor - 1) * _class_inflation(found, answers))[:, None]
    # The spread within strata holds so much of the response's noise.
    shown = (noise * (1 - 1 / found.weight)[:, None] * added**2).sum(axis=0)
    later = np.stack([np.zeros(len(total)), (noise * added**2).sum(axis=0), np.zeros(len(total))])
    if repeats is not None:
        later += _repeat_variances(found, units, answers, repeats) / np.nan_to_num(total, nan=1.0) ** 2

    def rate(estimate: FloatArray, scale: FloatArray, own: FloatArray, n: FloatArray) -> Rate:
        sampling = np.maximum(_strata_variance(found, own) - scale**2 * shown, 0.0)
        parts = scale**2 * later + np.stack([sampling, np.zeros_like(sampling), np.zeros_like(sampling)])
        shares = None if repeats is None else scale[:, None] * units.sums_by_verdict(found, mass) / total[:, None]
        return _with_interval(found, units, estimate, parts, n, repeats, shares)

    scope, crude = _crude_influence(found, units, answers, accuracy, influence)
    one = np.ones(len(total))
    return (
        rate(accuracy, one, influence, units.sums(found.decided)),
        rate(accuracy * scope, np.nan_to_num(scope), crude, units.sums(found.attempted)),
    )


def _influence(found: Round, units: Units, answers: Answers, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Say how far each plan of the sample moves each unit's rate, and what of it only its answer tells.

    Returns:
        Influence, and the answer's part: both plans x units; a plan moves units it is not in through its class.
    """
    inside, count = answers.base, len(units.codes)
    cell = np.where(inside, answers.of_plan, 0) * count + units.of_plan
    class_count = int(answers.of_plan.max(initial=-1)) + 1
    seen = found.weight * found.decided
    size = np.bincount(answers.of_plan[inside], weights=seen[inside], minlength=class_count)
    sums = np.bincount(cell[inside], weights=(seen * score)[inside], minlength=class_count * count)
    mean = sums.reshape(class_count, count) / np.where(size > 0, size, 1.0)[:, None]
    expected = np.zeros((len(score), count))
    expected[inside] = mean[answers.of_plan[inside]]
    added = np.where((found.decided & inside)[:, None], -expected, 0.0)
    added[np.arange(len(score)), units.of_plan] += score
    return expected + answers.factor[:, None] * added, added


def _crude_influence(
    found: Round, units: Units, answers: Answers, accuracy: FloatArray, influence: FloatArray
) -> tuple[FloatArray, FloatArray]:
    attempted = _or_missing(units.sums(found.weight * found.attempted))
    scope = units.sums(found.weight * answers.base) / attempted
    crude = np.nan_to_num(scope)[None, :] * influence
    own = answers.base - scope[units.of_plan] * found.attempted
    crude[np.arange(len(own)), units.of_plan] += np.nan_to_num((accuracy / attempted)[units.of_plan] * own)
    return scope, crude


def _repeat_variances(found: Round, units: Units, answers: Answers, repeats: Repeats) -> FloatArray:
    """Divide what verdicts of repeats add among sampling, response and the repeats themselves, by unit."""
    a, b, w = answers.factor, repeats.expansion, found.weight
    spread = w**2 * a * b * repeats.inflation * repeats.residual**2
    return np.stack([units.sums(spread * part) for part in (1 - 1 / w, a - 1, a * np.maximum(b - 1, 0))])


def _class_inflation(found: Round, answers: Answers) -> FloatArray:
    own = np.where(answers.base, answers.of_plan, 0)
    count = np.bincount(own, weights=found.decided & answers.base)
    inflation = np.where(count > 1, count / np.maximum(count - 1, 1), 1.0)
    return np.asarray(inflation[own], dtype=np.float64)


def _strata_variance(found: Round, influence: FloatArray) -> FloatArray:
    """Compute the variance of the totals of many columns; of one it is that of `stratum_totals`."""
    chance = 1 / found.weight
    open_units = (chance < CERTAIN).astype(np.float64)
    count = np.diff(found.start, append=len(chance))
    n = np.repeat(np.add.reduceat(open_units, found.start), count)
    spread = np.where((open_units > 0) & (n > 1), (1 - chance) * n / np.maximum(n - 1, 1), 0.0)
    whole = np.add.reduceat(spread, found.start)
    expanded = influence * found.weight[:, None]
    first = np.add.reduceat(spread[:, None] * expanded, found.start, axis=0)
    second = np.add.reduceat(spread[:, None] * expanded**2, found.start, axis=0)
    centred = second - first**2 / np.where(whole > 0, whole, 1.0)[:, None]
    return np.asarray(np.maximum(centred, 0).sum(axis=0), dtype=np.float64)


def _with_interval(
    found: Round,
    units: Units,
    estimate: FloatArray,
    parts: FloatArray,
    n: FloatArray,
    repeats: Repeats | None,
    weights: FloatArray | None,
) -> Rate:
    missing = np.isnan(estimate)
    sampling, nonresponse, measurement = np.where(missing, np.nan, parts)
    error = np.sqrt(sampling + nonresponse)
    size = effective_size(estimate, error, n, units.degrees_of_freedom(found), found.confidence)
    lower, upper = proportion_interval(estimate, size, found.confidence)
    if repeats is not None and weights is not None:
        low, high = jeffreys_interval(repeats.share, repeats.size, found.confidence)
        at = np.column_stack([estimate, repeats.share])
        weight = np.column_stack([np.ones(len(estimate)), weights])
        lower, upper = joined_interval(
            estimate, weight, at, np.column_stack([lower, low]), np.column_stack([upper, high])
        )
    return Rate(estimate, sampling, nonresponse, measurement, lower, upper)


def _or_missing(values: FloatArray) -> FloatArray:
    return np.asarray(np.where(values > 0, values, np.nan), dtype=np.float64)
