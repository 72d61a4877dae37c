"""Non-response: weighting classes of plans that were as likely to come to a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import GuidelineMissing, PropensityUnfit

# How a plan without a decision counts: it answered nothing, or it is not at an end yet.
UNANSWERED, APART = "nonresponse", "apart"
LOAN_BAND = "loan_band"
MOST_STEPS, CLOSE_ENOUGH = 100, 1e-10
# Equal propensities are equal to the last bit: the cut into classes must not depend on that bit.
DECIMALS = 9

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WeightingClasses:
    """The classes of a round.

    Attributes:
        of_plan: the class of each plan from 0; -1 for a plan that stands apart.
        factor: what the design weight of a decided plan is multiplied by, 1 / its class's response share; 0 for others.
        table: a row a class, by propensity: plan_count, decided_plan_count, lowest_propensity, highest_propensity,
            response_share (by design weights), factor.
        quality: weighted; all_decided or none_decided; one_class, where no second one is large enough.
    """

    of_plan: IntArray
    factor: FloatArray
    table: pd.DataFrame
    quality: str


def weighting_classes(plans: pd.DataFrame, rules: Mapping[str, Any]) -> WeightingClasses:
    """Class the plans by their propensity to come to a decision, and raise the weights of those that did.

    Within a class the undecided are taken to be like the decided, which nothing in the data can show; the bounds of
    `error_sources` say what it rests on. Classes of equal numbers of plans are joined, from the lowest propensity
    on, until each holds enough decided plans and a large enough share of them.

    Args:
        plans: inclusion_probability, is_supervised, is_decided, outcome (why a plan is undecided), loan_paid_rial and
            the factors of the guideline, one row an issued plan.
        rules: treatment_by_outcome, propensity_factors, loan_band_bounds_rial, ridge_penalty, class_count,
            minimum_class_decided_count, minimum_class_response_share.

    Raises:
        GuidelineMissing: an outcome that the guideline does not treat, or a factor that plans do not have.
        PropensityUnfit: the regression finds no optimum.
    Source:
        Little (1986), Survey nonresponse adjustments for estimates of means, International Statistical Review 54(2)
        (response propensity stratification); Särndal and Lundström (2005), Estimation in Surveys with Nonresponse,
        ch. 6; collapsing: Kalton and Flores-Cervantes (2003), Journal of Official Statistics 19(2).
    """
    decided = plans["is_decided"].to_numpy(dtype=bool)
    base = decided | _unanswered(plans, decided, rules)
    weight = 1 / plans["inclusion_probability"].to_numpy(dtype=np.float64)
    of_plan = np.full(len(plans), -1, dtype=np.int64)
    propensity = np.ones(len(plans))
    answered = decided[base]
    if answered.all() or not answered.any():
        of_plan[base] = 0
    else:
        propensity[base] = _propensities(_factors(plans[base], rules), answered, float(rules["ridge_penalty"]))
        quantile = _quantile_classes(propensity[base], int(rules["class_count"]))
        of_plan[base] = _collapsed(quantile, answered, weight[base], rules)
    table = _table(of_plan, decided, weight, propensity)
    factor = np.where(decided, table["factor"].to_numpy()[of_plan] if len(table) else 0.0, 0.0)
    return WeightingClasses(of_plan, factor, table, _quality(answered, len(table)))


def _unanswered(plans: pd.DataFrame, decided: BoolArray, rules: Mapping[str, Any]) -> BoolArray:
    treatment: Mapping[str, str] = rules["treatment_by_outcome"]
    outcomes = plans.loc[~decided, "outcome"]
    known = {name for name, treated in treatment.items() if treated in (UNANSWERED, APART)}
    strange = sorted(set(outcomes) - known)
    if strange:
        raise GuidelineMissing(
            place="guideline nonresponse, treatment_by_outcome",
            found=f"nothing usable for {', '.join(map(str, strange))}",
            wanted=f"{UNANSWERED} or {APART} for each outcome of an undecided plan",
        )
    counted = [name for name, treated in treatment.items() if treated == UNANSWERED]
    unanswered = plans["outcome"].isin(counted).to_numpy() & ~decided
    untried = unanswered & ~plans["is_supervised"].to_numpy(dtype=bool)
    if untried.any():
        raise GuidelineMissing(
            place="guideline nonresponse, treatment_by_outcome",
            found=f"{plans.loc[untried, 'outcome'].iloc[0]} as {UNANSWERED}, where nobody tried",
            wanted=f"{APART} for plans that nobody tried: they were not asked",
        )
    return unanswered


def _factors(plans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Look up what the guideline lets the propensity depend on; a missing value is a category of its own."""
    bounds = np.array([float(bound) for bound in rules["loan_band_bounds_rial"]])
    band = np.searchsorted(bounds, plans["loan_paid_rial"].to_numpy(dtype=np.float64), side="right")
    known = plans.assign(**{LOAN_BAND: band})
    names = list(rules["propensity_factors"])
    missing = sorted(set(names) - set(known.columns))
    if missing or not names:
        raise GuidelineMissing(
            place="guideline nonresponse, propensity_factors",
            found=f"no {', '.join(missing) or 'factor'} of a plan",
            wanted=f"some of {', '.join(sorted(known.columns))}",
        )
    return known[names].astype(object).where(known[names].notna(), "").astype(str)


def _propensities(factors: pd.DataFrame, answered: BoolArray, ridge: float) -> FloatArray:
    """Fit a ridge logistic regression on dummies of the factors, by plans that are alike rather than one by one."""
    cells = factors.assign(decided=answered).groupby(list(factors.columns), sort=True)["decided"]
    number, hits = (np.asarray(one, dtype=np.float64) for one in (cells.size(), cells.sum()))
    alike = cells.size().index.to_frame(index=False)
    design = pd.get_dummies(alike, columns=list(alike.columns), dtype=np.float64).to_numpy()
    design = np.column_stack([np.ones(len(design)), design])
    fitted = _expit(design @ _logistic(design, number, hits, ridge))
    # groupby(...).ngroup numbers the cells in the order of the sorted index.
    place = factors.groupby(list(factors.columns), sort=True).ngroup().to_numpy()
    return np.round(fitted, DECIMALS)[place]


def _logistic(design: FloatArray, number: FloatArray, hits: FloatArray, ridge: float) -> FloatArray:
    """Maximise the binomial likelihood less ridge/2 times the squared coefficients, but the intercept's.

    Source:
        le Cessie and van Houwelingen (1992), Ridge estimators in logistic regression, Applied Statistics 41(1);
        McCullagh and Nelder (1989), Generalized Linear Models, 2.5 (iterated weighted least squares).
    """
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(hits.sum() / (number.sum() - hits.sum()))

    def gain(at: FloatArray) -> float:
        linear = design @ at
        return float(hits @ linear - number @ np.logaddexp(0, linear) - penalty @ at**2 / 2)

    for _ in range(MOST_STEPS):
        share = _expit(design @ beta)
        slope = design.T @ (hits - number * share) - penalty * beta
        curve = (design * (number * share * (1 - share))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        # Newton may leap over the optimum where the likelihood is flat; half the way never does for long.
        while gain(beta + step) < gain(beta) - CLOSE_ENOUGH and np.abs(step).max() > CLOSE_ENOUGH:
            step = step / 2
        beta = beta + step
        if np.abs(step).max() < CLOSE_ENOUGH:
            return np.asarray(beta, dtype=np.float64)
    raise PropensityUnfit(
        place="response propensity",
        found=f"no optimum after {MOST_STEPS} steps",
        wanted="a regression that converges",
        remedy="Raise ridge_penalty, or name fewer propensity_factors, in guidelines/nonresponse.yaml.",
    )


def _expit(linear: FloatArray) -> FloatArray:
    return np.exp(-np.logaddexp(0, -linear))


def _quantile_classes(propensity: FloatArray, count: int) -> IntArray:
    """Cut plans into classes of equal numbers, equal propensities into one."""
    _, place, number = np.unique(propensity, return_inverse=True, return_counts=True)
    middle = np.cumsum(number) - number / 2
    return np.floor(count * middle / len(propensity)).astype(np.int64)[place]


def _collapsed(quantile: IntArray, answered: BoolArray, weight: FloatArray, rules: Mapping[str, Any]) -> IntArray:
    """Join classes that are too small, or answered too rarely, to the next; the last to the one before."""
    count = int(quantile.max()) + 1
    hits = np.bincount(quantile, weights=answered, minlength=count)
    seen = np.bincount(quantile, weights=weight * answered, minlength=count)
    whole = np.bincount(quantile, weights=weight, minlength=count)
    least, share = int(rules["minimum_class_decided_count"]), float(rules["minimum_class_response_share"])
    joined, current, start = np.zeros(count, dtype=np.int64), 0, 0
    for last in range(count):
        joined[last] = current
        own = slice(start, last + 1)
        if hits[own].sum() >= max(least, 1) and seen[own].sum() >= share * whole[own].sum():
            current, start = current + 1, last + 1
    # What is left over at the top is too small to stand alone.
    return np.minimum(joined, max(current - 1, 0))[quantile]


def _table(of_plan: IntArray, decided: BoolArray, weight: FloatArray, propensity: FloatArray) -> pd.DataFrame:
    base = of_plan >= 0
    rows = pd.DataFrame(
        {
            "class_number": of_plan,
            "decided": decided,
            "weight": weight,
            "seen": weight * decided,
            "propensity": propensity,
        }
    )[base]
    table = rows.groupby("class_number", sort=True).agg(
        plan_count=("decided", "size"),
        decided_plan_count=("decided", "sum"),
        lowest_propensity=("propensity", "min"),
        highest_propensity=("propensity", "max"),
        weight=("weight", "sum"),
        seen=("seen", "sum"),
    )
    whole, seen = table.pop("weight"), table.pop("seen")
    return table.assign(response_share=seen / whole, factor=(whole / seen.where(seen > 0)).fillna(0.0))


def _quality(answered: BoolArray, class_count: int) -> str:
    if not answered.any():
        return "none_decided"
    if answered.all():
        return "all_decided"
    return "weighted" if class_count > 1 else "one_class"
