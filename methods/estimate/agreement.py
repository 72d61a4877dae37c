"""Agreement of inspectors: the visits that were repeated blind, and kappa by firm, province and nation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from methods.errors import AgreementUndefined, CountsImpossible, GuidelineMissing, RepeatsMismatch
from methods.estimate.indicators import NATION
from methods.inspection import DECIDED

# What two measurements are held against each other by: whether they confirm, or which of four verdicts they give.
CONFIRMATION, VERDICT = "confirmation", "verdict"
COLUMNS = (
    "level", "unit_code", "measure", "n", "agreed_plan_count", "estimate", "standard_error", "lower", "upper",
    "quality",
)  # fmt: skip
# Below this, chance would agree on everything: there is one category.
ONE_CATEGORY = 1e-12

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Agreement of two measurements beyond chance.

    Attributes:
        estimate: kappa, 1 where they always agree, 0 where no oftener than by chance.
        standard_error: where kappa may be any.
        lower: lower end of its interval, not below -1.
        upper: upper end, not above 1.
        n: units measured by both.
    """

    estimate: float
    standard_error: float
    lower: float
    upper: float
    n: float


def cohen_kappa(table: Sequence[Sequence[float]], weights: str = "none", confidence: float = 0.95) -> Agreement:
    """Measure how far two measurements agree beyond what chance would have them.

    Args:
        table: counts of units by category of the one (rows) and of the other (columns), in the same order.
        weights: `none`, a unit agrees or not; `quadratic`, 1 - (i - j)^2 / (k - 1)^2, for ordered categories.
        confidence: level of the interval, above 0 and below 1.

    Raises:
        CountsImpossible: no square table of counts, or an empty one; weights of another name.
        AgreementUndefined: both put every unit into one category, so chance agrees as well as they do.
    Source:
        Cohen (1960), Educational and Psychological Measurement 20(1), and (1968), Psychological Bulletin 70(4);
        Fleiss, Cohen and Everitt (1969), Large sample standard errors of kappa and weighted kappa, Psychological
        Bulletin 72(5), formulas 8 and 13.
    """
    counts = _square(table)
    n = counts.sum()
    kappa, error = _kappas((counts / n)[None], np.array([n]), _weights(weights, len(counts)))
    if np.isnan(kappa[0]):
        raise AgreementUndefined(
            place="kappa",
            found=f"all {n:.0f} units in one category",
            wanted="two categories in use: where there is one, chance agrees as well as anybody",
        )
    lower, upper = _bounds(kappa, error, confidence)
    return Agreement(float(kappa[0]), float(error[0]), float(lower[0]), float(upper[0]), float(n))


def pair_repeats(plans: pd.DataFrame, repeats: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Set beside each issued plan the repeat that counts: the highest level's that came to a decision.

    Args:
        plans: plan_id, one row an issued plan.
        repeats: plan_id, level, inclusion_probability (of the level, given the plan was issued and, at a higher
            level, repeated below), is_supervised, is_decided, is_confirmed, verdict; a row a plan and level.
        rules: repeat_levels, those whose repeats count, the best first; each is drawn from the next.

    Returns:
        is_repeated (a decided repeat), repeat_is_confirmed, repeat_verdict, repeat_probability (of being repeated
        at all; NaN where none was drawn), in the order of `plans`.

    Raises:
        RepeatsMismatch: more repeats at a level than visits; a plan repeated twice at one level, or never issued.
        GuidelineMissing: a level the guideline does not rank.
    """
    place = pd.Index(plans["plan_id"]).get_indexer(repeats["plan_id"])
    _refuse_strange_repeats(place, repeats, len(plans))
    order = rules["repeat_levels"]
    ranked = repeats.assign(place=place, rank=_ranks(repeats["level"], order)).sort_values(["place", "rank"])
    drawn = ranked.drop_duplicates("place", keep="last")
    decided = ranked[ranked["is_decided"].astype(bool)].drop_duplicates("place")
    of_decided = decided["place"].to_numpy()
    columns: dict[str, npt.NDArray[Any]] = {
        "is_repeated": np.zeros(len(plans), dtype=bool),
        "repeat_is_confirmed": np.zeros(len(plans), dtype=bool),
        "repeat_verdict": np.full(len(plans), None, dtype=object),
        "repeat_probability": np.full(len(plans), np.nan),
    }
    columns["is_repeated"][of_decided] = True
    columns["repeat_is_confirmed"][of_decided] = decided["is_confirmed"].to_numpy(dtype=bool)
    columns["repeat_verdict"][of_decided] = decided["verdict"].to_numpy(dtype=object)
    columns["repeat_probability"][drawn["place"].to_numpy()] = drawn["inclusion_probability"].to_numpy(dtype=np.float64)
    return pd.DataFrame(columns, index=plans.index)


def agreement(
    plans: pd.DataFrame, repeats: pd.DataFrame, rules: Mapping[str, Any], confidence: float = 0.95
) -> pd.DataFrame:
    """Measure how far first visits and their blind repeats agree, by firm, province and in the nation.

    Pairs weigh by 1 / the probability that the visit was repeated; n of the standard error is then Kish's.

    Args:
        plans: plan_id, province_code, firm_code (of the first visit; may be missing), is_decided, is_confirmed,
            verdict.
        repeats: as `pair_repeats` takes them.
        rules: repeat_levels, minimum_pair_count.
        confidence: level of the intervals.

    Returns:
        Columns COLUMNS: one row a unit and measure, for the nation and each province always, for a firm with any
        pair. n counts visits both of which came to a decision. quality: measured; not_measured (no pair),
        too_few_repeats (below minimum_pair_count), one_category (kappa is undefined); estimates of the last
        three are missing.

    Raises:
        RepeatsMismatch, GuidelineMissing: see `pair_repeats`.
    """
    ordered = plans.sort_values("plan_id", ignore_index=True)
    paired = pair_repeats(ordered, repeats, rules)
    both = ordered["is_decided"].to_numpy(dtype=bool) & paired["is_repeated"].to_numpy(dtype=bool)
    first, second, weight = ordered[both], paired[both], 1 / paired.loc[both, "repeat_probability"].to_numpy()
    codes = {
        CONFIRMATION: (first["is_confirmed"].astype(int), second["repeat_is_confirmed"].astype(int), 2),
        VERDICT: (_verdicts(first["verdict"]), _verdicts(second["repeat_verdict"]), len(DECIDED)),
    }
    every = {
        "nation": (pd.Series(NATION, index=first.index), [NATION]),
        "province": (first["province_code"], sorted(ordered["province_code"].unique())),
        "firm": (first["firm_code"], sorted(first["firm_code"].dropna().unique())),
    }
    parts = [
        _measured(unit, known, one, other, size, weight, rules, confidence).assign(level=level, measure=measure)
        for level, (unit, known) in every.items()
        for measure, (one, other, size) in codes.items()
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _measured(
    unit: pd.Series,
    known: Sequence[str],
    one: Any,
    other: Any,
    size: int,
    weight: FloatArray,
    rules: Mapping[str, Any],
    confidence: float,
) -> pd.DataFrame:
    place = pd.Categorical(unit, categories=list(known)).codes.astype(np.int64)
    inside = place >= 0
    cell = (place * size + np.asarray(one)) * size + np.asarray(other)

    def tables(values: FloatArray) -> FloatArray:
        found = np.bincount(cell[inside], weights=values[inside], minlength=len(known) * size**2)
        return np.asarray(found.reshape(len(known), size, size), dtype=np.float64)

    counts, weighed = tables(np.ones(len(cell))), tables(weight)
    n, total = counts.sum(axis=(1, 2)), weighed.sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        kish = total**2 / tables(weight**2).sum(axis=(1, 2))
        kappa, error = _kappas(weighed / total[:, None, None], kish, np.eye(size))
    quality = np.select(
        [n == 0, n < int(rules["minimum_pair_count"]), np.isnan(kappa)],
        ["not_measured", "too_few_repeats", "one_category"],
        "measured",
    )
    lower, upper = _bounds(kappa, error, confidence)
    numbers = pd.DataFrame({"estimate": kappa, "standard_error": error, "lower": lower, "upper": upper})
    numbers[quality != "measured"] = np.nan
    return numbers.assign(
        unit_code=list(known),
        n=n.astype(np.int64),
        agreed_plan_count=np.trace(counts, axis1=1, axis2=2).astype(np.int64),
        quality=quality,
    )


def _kappas(shares: FloatArray, n: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute kappa and its standard error of many tables at once; NaN where all is one category.

    Args:
        shares: shares of the units, shape units x k x k.
        n: pairs of each table.
        weights: how far categories agree, k x k, 1 on the diagonal.
    """
    row, column = shares.sum(axis=2), shares.sum(axis=1)
    seen = (shares * weights).sum(axis=(1, 2))
    chance = ((row @ weights) * column).sum(axis=1)
    rest = np.where(1 - chance > ONE_CATEGORY, 1 - chance, np.nan)
    kappa = (seen - chance) / rest
    # How far a category agrees by chance with what the other measurement says.
    of_pair = (column @ weights)[:, :, None] + (row @ weights)[:, None, :]
    spread = (shares * (weights - of_pair * (1 - kappa)[:, None, None]) ** 2).sum(axis=(1, 2))
    variance = (spread - (kappa - chance * (1 - kappa)) ** 2) / (n * rest**2)
    return kappa, np.sqrt(np.maximum(variance, 0))


def _bounds(kappa: FloatArray, error: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    reach = float(stats.norm.ppf((1 + confidence) / 2)) * error
    return np.maximum(kappa - reach, -1), np.minimum(kappa + reach, 1)


def _weights(name: str, size: int) -> FloatArray:
    if name not in ("none", "quadratic"):
        raise CountsImpossible(place="kappa, weights", found=repr(name), wanted="none or quadratic")
    if name == "none":
        return np.eye(size)
    place = np.arange(size)
    return 1 - np.subtract.outer(place, place) ** 2 / (size - 1) ** 2


def _square(table: Sequence[Sequence[float]]) -> FloatArray:
    wanted = "a square table of counts, 0 or more, of two categories or more, with something in it"
    try:
        counts = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise CountsImpossible(place="kappa", found=repr(table), wanted=wanted) from error
    square = counts.ndim == 2 and counts.shape[0] == counts.shape[1] > 1
    if not square or not np.isfinite(counts).all() or (counts < 0).any() or counts.sum() == 0:
        raise CountsImpossible(place="kappa", found=repr(table), wanted=wanted)
    return counts


def _verdicts(verdicts: pd.Series) -> IntArray:
    codes = pd.Categorical(verdicts, categories=list(DECIDED)).codes
    return codes.astype(np.int64)


def _ranks(levels: pd.Series, order: Sequence[str]) -> pd.Series:
    strange = sorted(set(levels) - set(order))
    if strange:
        raise GuidelineMissing(
            place="guideline measurement, repeat_levels", found=f"no {', '.join(strange)}", wanted="every level"
        )
    ranks: pd.Series = levels.map({level: place for place, level in enumerate(order)})
    return ranks


def _refuse_strange_repeats(place: IntArray, repeats: pd.DataFrame, plan_count: int) -> None:
    largest = repeats["level"].value_counts()
    if len(largest) and largest.iloc[0] > plan_count:
        raise RepeatsMismatch(
            place=f"{largest.index[0]} repeats",
            found=f"{largest.iloc[0]:,} of {plan_count:,} visits",
            wanted="no more repeats of a level than visits",
        )
    twice = repeats.duplicated(["plan_id", "level"]).to_numpy()
    chance = repeats["inclusion_probability"].to_numpy(dtype=np.float64)
    outside = ~((chance > 0) & (chance <= 1))
    for broken, found in (
        (twice, "a second repeat at one level"),
        (place < 0, "a repeat of a plan that was never issued"),
        (outside, "a probability to be repeated that none can be"),
    ):
        if broken.any():
            first = repeats[broken].iloc[0]
            raise RepeatsMismatch(
                place=f"plan {first['plan_id']}, {first['level']}, probability {first['inclusion_probability']}",
                found=found,
                wanted="one repeat a level of an issued plan, with 0 < probability <= 1",
            )
