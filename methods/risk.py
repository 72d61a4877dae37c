"""Risk of a plan of the frame: a table of rules first, a calibrated logistic model of earlier verdicts second."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from methods import sample
from methods.errors import ForbiddenInput, GuidelineMissing, VerdictsTooFew

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

FACTS = (
    "loan_paid_rial", "registered_job_count", "is_enterprise", "is_advised", "is_agency_new", "wait_day_count",
    "loan_per_job_ratio", "paid_share", "registered_job_share", "adviser_plan_share", "agency_refused_share",
    "county_refused_share",
)  # fmt: skip
# Scores repeat bit for bit: what is computed in binary fractions ends at so many decimals.
FACT_DECIMALS = 9
SCORE_DECIMALS = 6
LEAST_SCORE = 10.0**-SCORE_DECIMALS
# One absurd cell moves a score no further than this many standard deviations.
LARGEST_DEVIATION = 4.0
BIN_COUNT = 10


@dataclass(frozen=True)
class Model:
    """A fitted model, with all that its card prints.

    Attributes:
        inputs: input, label_fa, scale, mean, deviation, coefficient [log-odds per deviation], missing_share.
        bins: plan_count, predicted_share, observed_share of tenths of the verdicts by predicted risk.
        auc, brier_score: of predictions for verdicts that had no part in them (cross-validated).
        base_brier_score: of the share refused, said of every plan.
    """

    version: str
    guideline_version: str
    training_sha256: str
    years: tuple[int, ...]
    verdict_count: int
    refused_count: int
    refused_share: float
    inputs: pd.DataFrame
    intercept: float
    calibration_method: str
    fold_count: int
    auc: float
    brier_score: float
    base_brier_score: float
    bins: pd.DataFrame
    forbidden: Mapping[str, str]
    classifier: CalibratedClassifierCV

    def score(self, plans: pd.DataFrame) -> pd.Series:
        """Score plans by the probability that an inspection refuses them.

        Args:
            plans: the columns of `facts`.

        Returns:
            risk_score in (0, 1], six decimals, in the order and index of `plans`.
        """
        chances = self.classifier.predict_proba(self._design(plans))[:, 1]
        rounded = np.clip(np.round(chances, SCORE_DECIMALS), LEAST_SCORE, 1.0)
        return pd.Series(rounded, index=plans.index, name="risk_score")

    def contributions(self, plans: pd.DataFrame) -> pd.DataFrame:
        """Say what each input adds to a plan's log-odds before calibration, against the mean plan."""
        added = self._design(plans) * self.inputs["coefficient"].to_numpy()
        return pd.DataFrame(added, index=plans.index, columns=self.inputs["input"].tolist())

    def _design(self, plans: pd.DataFrame) -> FloatArray:
        centre, spread = (self.inputs[name].to_numpy(dtype=np.float64) for name in ("mean", "deviation"))
        return _standardised(_scaled(plans, self.inputs), centre, spread)


def facts(plans: pd.DataFrame, history: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Compute what the rules and the model judge a plan by.

    Args:
        plans: agency_code, county_code, plan_kind, activity_code, advising_firm_code (may be missing),
            loan_approved_rial, loan_paid_rial, job_commitment_count, registered_job_count,
            wait_day_count [days from approval to payment]; one row a plan of the whole frame.
        history: agency_code, county_code, decided_plan_count, decided_weight, refused_weight of earlier years.
        rules: minimum_group_plan_count, history_prior_plan_count.

    Returns:
        The columns FACTS, in the order and index of `plans`. A plan without jobs counts as one for its loan per
        job; shares of earlier years are missing where nothing was inspected before; the share of registered in
        committed jobs is missing where none are committed.
    """
    least = int(rules["minimum_group_plan_count"])
    prior = float(rules["history_prior_plan_count"])
    adviser = plans["advising_firm_code"].fillna("")
    committed = plans["job_commitment_count"].where(plans["job_commitment_count"] > 0)
    found = pd.DataFrame(
        {
            "loan_paid_rial": plans["loan_paid_rial"],
            "registered_job_count": plans["registered_job_count"],
            "is_enterprise": plans["plan_kind"] == "enterprise",
            "is_advised": adviser != "",
            "is_agency_new": _is_new(plans["agency_code"], history),
            "wait_day_count": plans["wait_day_count"],
            "loan_per_job_ratio": _loan_per_job_ratio(plans, least),
            "paid_share": plans["loan_paid_rial"] / plans["loan_approved_rial"],
            "registered_job_share": plans["registered_job_count"] / committed,
            "adviser_plan_share": _adviser_plan_share(plans["county_code"], adviser, least),
            "agency_refused_share": _refused_share(plans["agency_code"], history, prior),
            "county_refused_share": _refused_share(plans["county_code"], history, prior),
        }
    )
    shares = [name for name in FACTS if name.endswith(("_share", "_ratio"))]
    return found.assign(**found[shares].astype(np.float64).round(FACT_DECIMALS))


def score_by_rules(plans: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Give each plan the points of the rules that fire, and the score (base + points) / (base + all points).

    Args:
        plans: the columns of `facts`.
        rules: risk_rules (rule, points, fact, above or below), base_points, forbidden_inputs.

    Returns:
        risk_points, risk_score in (0, 1] with six decimals, fired_rules (their codes, parted by commas), in the
        order and index of `plans`.

    Raises:
        ForbiddenInput: a rule judges by what the guideline forbids.
        GuidelineMissing: a rule names a fact nobody knows, or the base leaves a plan without a score.
    """
    table: Sequence[Mapping[str, str]] = rules["risk_rules"]
    refuse_forbidden([rule["fact"] for rule in table], rules, "risk_rules")
    scale, base, points = _whole_points([str(rules["base_points"]), *(rule["points"] for rule in table)])
    if base <= 0:
        raise GuidelineMissing(
            place="guideline risk, base_points",
            found=str(rules["base_points"]),
            wanted="points above 0, so that every plan keeps a score above 0",
        )
    fired = np.column_stack([_fires(plans, rule) for rule in table])
    earned = fired @ points
    return pd.DataFrame(
        {
            "risk_points": earned / scale,
            "risk_score": np.maximum(np.round((base + earned) / (base + points.sum()), SCORE_DECIMALS), LEAST_SCORE),
            "fired_rules": _names_of(fired, [rule["rule"] for rule in table]),
        },
        index=plans.index,
    )


def refuse_forbidden(inputs: Iterable[str], rules: Mapping[str, Any], place: str) -> None:
    """Refuse inputs that a score may not use.

    Raises:
        ForbiddenInput: the guideline forbids one of them.
        GuidelineMissing: one of them is no fact of a plan.
    """
    forbidden: Mapping[str, str] = rules["forbidden_inputs"]
    met = sorted(set(inputs) & set(forbidden))
    if met:
        raise ForbiddenInput(
            place=f"guideline risk, {place}",
            found=", ".join(met),
            wanted="facts of the plan, its agency or its place, never of who the applicant is",
            remedy="Take it out, or have the guideline's forbidden_inputs changed first.",
        )
    unknown = sorted(set(inputs) - set(FACTS))
    if unknown:
        raise GuidelineMissing(
            place=f"guideline risk, {place}", found=f"a fact {', '.join(unknown)}", wanted=f"one of {', '.join(FACTS)}"
        )


def fit_model(training: pd.DataFrame, rules: Mapping[str, Any], guideline_version: str) -> Model:
    """Learn from earlier verdicts how likely an inspection refuses a plan.

    Verdicts weigh as many plans of the frame as they stand for. Folds are hashes of the plan, so neither the
    order of rows nor a new plan moves any other plan to another fold.

    Args:
        training: year, phase, plan_id, is_refused, inclusion_probability and the columns of `facts`, as they
            were known when the plan was scored; one row a decided plan of an earlier period.
        rules: model_inputs, forbidden_inputs, minimum_verdict_count, minimum_class_count, fold_count, fold_seed,
            inverse_penalty, calibration_method.
        guideline_version: hash of the rules, for the model's version.

    Returns:
        The model, fitted to all verdicts; its measures are of verdicts it had not seen.

    Raises:
        ForbiddenInput, GuidelineMissing: see `refuse_forbidden`.
        VerdictsTooFew: too few verdicts, or too few of one kind.
    Source:
        Platt (1999), Probabilistic outputs for support vector machines; Zadrozny and Elkan (2002), Transforming
        classifier scores into accurate multiclass probability estimates; Brier (1950), Verification of forecasts.
    """
    inputs = pd.DataFrame(list(rules["model_inputs"]), columns=["input", "label_fa", "scale"])
    refuse_forbidden(inputs["input"], rules, "model_inputs")
    _refuse_too_few(training["is_refused"].to_numpy(dtype=bool), rules)
    training = training.sort_values(["year", "phase", "plan_id"], ignore_index=True)
    refused = training["is_refused"].to_numpy(dtype=bool)
    weight = 1 / training["inclusion_probability"].to_numpy(dtype=np.float64)
    weight = weight / weight.mean()
    raw = _scaled(training, inputs)
    inputs = inputs.assign(**_moments(raw, weight))
    design = _standardised(raw, inputs["mean"].to_numpy(), inputs["deviation"].to_numpy())
    codes = training["year"].astype(str) + "-" + training["phase"].astype(str) + "|" + training["plan_id"]
    classifier = _fit(design, refused, weight, codes, rules)
    unseen = _predicted_unseen(design, refused, weight, codes, rules)
    linear = classifier.calibrated_classifiers_[0].estimator
    content = _training_sha256(training)
    share = float(np.average(refused, weights=weight))
    return Model(
        version=f"logistic-{hashlib.sha256(f'{guideline_version}|{content}'.encode()).hexdigest()[:12]}",
        guideline_version=guideline_version,
        training_sha256=content,
        years=tuple(int(year) for year in sorted(training["year"].unique())),
        verdict_count=len(training),
        refused_count=int(refused.sum()),
        refused_share=share,
        inputs=inputs.assign(coefficient=np.round(linear.coef_[0], SCORE_DECIMALS)),
        intercept=round(float(linear.intercept_[0]), SCORE_DECIMALS),
        calibration_method=str(rules["calibration_method"]),
        fold_count=int(rules["fold_count"]),
        auc=float(roc_auc_score(refused, unseen, sample_weight=weight)),
        brier_score=float(brier_score_loss(refused, unseen, sample_weight=weight)),
        base_brier_score=share * (1 - share),
        bins=_bins(unseen, refused, weight),
        forbidden=dict(rules["forbidden_inputs"]),
        classifier=classifier,
    )


def _loan_per_job_ratio(plans: pd.DataFrame, least: int) -> pd.Series:
    loan = plans["loan_paid_rial"] / plans["registered_job_count"].clip(lower=1)
    groups = loan.groupby(plans["activity_code"])
    own_is_enough = (groups.transform("size") >= least) & (plans["activity_code"] != "")
    return loan / groups.transform("median").where(own_is_enough, loan.median())


def _adviser_plan_share(county: pd.Series, adviser: pd.Series, least: int) -> pd.Series:
    of_county = county.groupby(county).transform("size")
    of_both = county.groupby([county, adviser]).transform("size")
    # In a county of few plans one adviser of two is no cluster.
    return (of_both / of_county).where((adviser != "") & (of_county >= least), 0.0)


def _is_new(agency: pd.Series, history: pd.DataFrame) -> BoolArray:
    if history.empty:
        return np.zeros(len(agency), dtype=bool)
    return ~agency.isin(history["agency_code"]).to_numpy(dtype=bool)


def _refused_share(codes: pd.Series, history: pd.DataFrame, prior: float) -> pd.Series:
    """Draw the share refused of each unit towards the nation's, as if it had so many plans more of the nation's."""
    if history.empty:
        return pd.Series(np.nan, index=codes.index)
    history = history.sort_values(["agency_code", "county_code"])
    nation = history["refused_weight"].sum() / history["decided_weight"].sum()
    sums = history.groupby(str(codes.name))[["decided_plan_count", "decided_weight", "refused_weight"]].sum()
    count = sums["decided_plan_count"]
    drawn = (count * sums["refused_weight"] / sums["decided_weight"] + prior * nation) / (count + prior)
    return codes.map(drawn).astype(np.float64).fillna(float(nation))


def _fires(plans: pd.DataFrame, rule: Mapping[str, str]) -> BoolArray:
    value = plans[rule["fact"]].to_numpy(dtype=np.float64)
    # A missing value compares false, so what nobody knows fires nothing.
    if "above" in rule:
        return value > float(rule["above"])
    return value < float(rule["below"])


def _whole_points(written: Sequence[str]) -> tuple[int, int, npt.NDArray[np.int64]]:
    """Write decimal points as whole numbers: how many make one point, the base, and those of the rules."""
    decimals = max(len(text.partition(".")[2]) for text in written)
    whole = [int(text.partition(".")[0] + text.partition(".")[2].ljust(decimals, "0")) for text in written]
    return 10**decimals, whole[0], np.array(whole[1:], dtype=np.int64)


def _names_of(fired: BoolArray, names: Sequence[str]) -> npt.NDArray[np.object_]:
    marks = fired @ (1 << np.arange(len(names), dtype=np.int64))
    # Few sets of rules ever fire together, so each is spelt once.
    sets, place = np.unique(marks, return_inverse=True)
    spelt = [",".join(name for bit, name in enumerate(names) if mark >> bit & 1) for mark in sets]
    return np.array(spelt, dtype=object)[place]


def _refuse_too_few(refused: BoolArray, rules: Mapping[str, Any]) -> None:
    counts = {"confirmed": int((~refused).sum()), "refused": int(refused.sum())}
    least, least_of_class = int(rules["minimum_verdict_count"]), int(rules["minimum_class_count"])
    # Each fold, and each fold of the others, must hold both kinds.
    least_of_class = max(least_of_class, 10 * int(rules["fold_count"]))
    if len(refused) < least or min(counts.values()) < least_of_class:
        raise VerdictsTooFew(
            place="risk model, verdicts of earlier periods",
            found=f"{counts['confirmed']} confirmed and {counts['refused']} refused",
            wanted=f"{least} verdicts at least, and {least_of_class} of each kind",
            remedy="The guideline's fallback_method scores meanwhile; run earlier years, or wait for their visits.",
        )


def _scaled(plans: pd.DataFrame, inputs: pd.DataFrame) -> FloatArray:
    columns = [plans[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in inputs["input"]]
    is_log = inputs["scale"] == "log"
    return np.column_stack([np.log1p(one) if log else one for one, log in zip(columns, is_log, strict=True)])


def _moments(raw: FloatArray, weight: FloatArray) -> dict[str, FloatArray]:
    known = ~np.isnan(raw)
    share = weight[:, None] * known
    total = np.maximum(share.sum(axis=0), np.finfo(np.float64).tiny)
    mean = np.where(known, raw * weight[:, None], 0.0).sum(axis=0) / total
    variance = np.where(known, weight[:, None] * (raw - mean) ** 2, 0.0).sum(axis=0) / total
    # A fact that never varies says nothing, and divides nothing; below that is the dust of summing.
    deviation = np.where(variance > 1e-18 * np.maximum(mean**2, 1), np.sqrt(variance), 1.0)
    return {
        "mean": np.round(mean, FACT_DECIMALS),
        "deviation": np.round(deviation, FACT_DECIMALS),
        "missing_share": 1 - known.mean(axis=0),
    }


def _standardised(raw: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    # What is missing counts as the mean.
    known = np.where(np.isnan(raw), mean, raw)
    return np.clip((known - mean) / deviation, -LARGEST_DEVIATION, LARGEST_DEVIATION)


def _folds(codes: pd.Series, rules: Mapping[str, Any], level: str) -> npt.NDArray[np.int64]:
    numbers = sample.random_numbers(codes, f"{rules['fold_seed']}|{level}")
    return np.floor(numbers * int(rules["fold_count"])).astype(np.int64)


def _fit(
    design: FloatArray, refused: BoolArray, weight: FloatArray, codes: pd.Series, rules: Mapping[str, Any]
) -> CalibratedClassifierCV:
    fold = _folds(codes, rules, "calibration")
    places = np.arange(len(fold))
    splits = [(places[fold != one], places[fold == one]) for one in range(int(rules["fold_count"]))]
    # Newton's method on the exact Hessian: it ends at the optimum itself, not near it.
    linear = LogisticRegression(C=float(rules["inverse_penalty"]), solver="newton-cholesky", tol=1e-10, max_iter=200)
    method = str(rules["calibration_method"])
    classifier = CalibratedClassifierCV(linear, method=method, cv=splits, ensemble=False)
    return classifier.fit(design, refused, sample_weight=weight)


def _predicted_unseen(
    design: FloatArray, refused: BoolArray, weight: FloatArray, codes: pd.Series, rules: Mapping[str, Any]
) -> FloatArray:
    fold = _folds(codes, rules, "measure")
    predicted = np.empty(len(fold))
    for one in range(int(rules["fold_count"])):
        seen = fold != one
        fitted = _fit(design[seen], refused[seen], weight[seen], codes[seen], rules)
        predicted[~seen] = fitted.predict_proba(design[~seen])[:, 1]
    return predicted


def _bins(predicted: FloatArray, refused: BoolArray, weight: FloatArray) -> pd.DataFrame:
    place = np.empty(len(predicted), dtype=np.int64)
    place[np.argsort(predicted, kind="stable")] = np.arange(len(predicted)) * BIN_COUNT // len(predicted)
    total = np.bincount(place, weights=weight)
    return pd.DataFrame(
        {
            "plan_count": np.bincount(place),
            "predicted_share": np.bincount(place, weights=weight * predicted) / total,
            "observed_share": np.bincount(place, weights=weight * refused) / total,
        }
    )


def _training_sha256(training: pd.DataFrame) -> str:
    columns = ["year", "phase", "plan_id", "is_refused", "inclusion_probability", *FACTS]
    text = training[columns].to_csv(index=False, float_format="%.12g", lineterminator="\n")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
