"""The frame: who may be drawn, which plans are one, and what the desk found before anyone drives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from methods.errors import GuidelineMissing

# What a rule of the frame may look at, and whether it is held against bounds or a list.
NUMBERS = ("loan_paid_rial", "loan_approved_rial", "job_commitment_count", "registered_job_count")
CODES = ("is_paid_in_year", "plan_kind", "budget_note", "activity_code", "agency_code")
DESK_FACTS = ("has_insurance", "sms_outcome", "phone_outcome")
OVERLAP = "overlap"
# Digits that a probability of the model keeps, so that the last bits of a sum decide nothing.
MODEL_DIGITS = 9


# eligibility -------------------------------------------------------------------------------------


def eligibility_rules(rules: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Take the eligibility rules of a guideline apart, each ready to be held against a plan.

    Args:
        rules: eligibility_rules (ordered; reason, label_fa, column, and least, most or among), and every
            parameter that a rule names instead of a number.

    Returns:
        rule_number, reason_code, column_name, least, most [decimal text or None], among [codes or None].

    Raises:
        GuidelineMissing: a rule looks at a column no plan has, says no bound, or repeats a reason.
    """
    ordered: Sequence[Mapping[str, Any]] = rules["eligibility_rules"]
    reasons = [rule.get("reason", "") for rule in ordered]
    for reason in reasons:
        if not reason or reason == OVERLAP or reasons.count(reason) > 1:
            raise _wrong_rule("eligibility_rules", f"the reason {reason!r}", f"one of its own a rule, not {OVERLAP}")
    return [_eligibility_rule(number, rule, rules) for number, rule in enumerate(ordered, 1)]


def reason_labels(rules: Mapping[str, Any]) -> dict[str, str]:
    """Say each reason a plan is left out for in Persian, by reason code."""
    labels = {str(rule["reason"]): str(rule["label_fa"]) for rule in rules["eligibility_rules"]}
    return labels | {OVERLAP: str(rules["overlap_label"])}


def _eligibility_rule(number: int, rule: Mapping[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    column = str(rule.get("column", ""))
    among = rule.get("among")
    bounds = {name: _bound(rule[name], rules) for name in ("least", "most") if name in rule}
    if (column not in NUMBERS or not bounds or among is not None) and (column not in CODES or not among or bounds):
        raise _wrong_rule(
            "eligibility_rules",
            f"rule {rule['reason']} over {column!r}",
            f"least or most over {', '.join(NUMBERS)}, or among over {', '.join(CODES)}",
        )
    return {
        "rule_number": number,
        "reason_code": str(rule["reason"]),
        "column_name": column,
        "least": bounds.get("least"),
        "most": bounds.get("most"),
        "among": None if among is None else [str(code) for code in among],
    }


def _bound(written: str, rules: Mapping[str, Any]) -> str:
    try:
        return str(Decimal(written))
    except InvalidOperation:
        # Not a number: the name of a parameter, which has dates of its own.
        return str(rules[written])


def _wrong_rule(parameter: str, found: str, wanted: str) -> GuidelineMissing:
    return GuidelineMissing(place=f"guideline frame, {parameter}", found=found, wanted=wanted)


# record linkage ----------------------------------------------------------------------------------


def prior_probability(same_pair_count: int, plan_count: int) -> float:
    """Estimate the probability that two random plans are one, from the plans whose IDs say so.

    Args:
        same_pair_count: pairs of plans with an ID that are one plan; none counts as one.
        plan_count: plans with an ID, 2 at least; fewer count as 2.
    """
    plan_count = max(plan_count, 2)
    return max(same_pair_count, 1) / (plan_count * (plan_count - 1) // 2)


def settle_model(trained: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Settle the probabilities of agreement that weigh a pair.

    No level has a probability of 0: what was estimated lower than the least is the least, a level that no
    pair showed and a comparison that nobody could train keep the guideline's assumption. What is settled has
    nine digits, so that pairs get the same weight whatever order sums were taken in.

    Args:
        trained: comparison, level, m_probability, u_probability [estimates, null where there is none],
            m_pair_count, u_pair_count [pairs each rests on].
        rules: linkage_m_probability (comparison -> level -> m) and linkage_training (least_pair_count,
            least_m_probability).

    Returns:
        comparison, level, m_probability, u_probability, m_basis (learned or assumed), in the order of `trained`;
        both probabilities add up to 1 a comparison, to the rounding.

    Raises:
        GuidelineMissing: the guideline assumes no m for some level.
    """
    training = rules["linkage_training"]
    assumed = _assumed_m(trained, rules["linkage_m_probability"])
    comparison = trained["comparison"]
    untrained = trained["m_probability"].isna().groupby(comparison).transform("all")
    is_learned = (trained["m_pair_count"] >= int(training["least_pair_count"])) & ~untrained
    learned = trained["m_probability"].fillna(assumed).clip(lower=float(training["least_m_probability"]))
    # Half a pair for a level that no random pair showed.
    u = trained["u_probability"].fillna(0.0).clip(lower=0.5 / trained["u_pair_count"].clip(lower=1))
    return pd.DataFrame(
        {
            "comparison": comparison,
            "level": trained["level"],
            "m_probability": _shares(learned.where(is_learned, assumed), comparison),
            "u_probability": _shares(u, comparison),
            "m_basis": np.where(is_learned, "learned", "assumed"),
        }
    )


def match_weights(levels: pd.DataFrame, model: pd.DataFrame, prior: float) -> pd.Series:
    """Weigh pairs: the log2 of the odds that both plans are one.

    Args:
        levels: a column a comparison, the level each pair agrees on; null where one side is empty,
            which speaks neither for nor against.
        model: comparison, level, m_probability, u_probability.
        prior: probability that two random plans are one.

    Source:
        Fellegi and Sunter (1969), A theory for record linkage, JASA 64, 1183-1210.
    """
    bits = np.log2(model["m_probability"] / model["u_probability"])
    by_level = dict(zip(zip(model["comparison"], model["level"], strict=True), bits, strict=True))
    weight = pd.Series(np.log2(prior / (1 - prior)), index=levels.index)
    for name in levels.columns:
        weight += levels[name].map({level: one for (its, level), one in by_level.items() if its == name}).fillna(0.0)
    return weight


def decide_pairs(pairs: pd.DataFrame, reviewed: pd.DataFrame, rules: Mapping[str, Any]) -> pd.DataFrame:
    """Decide which pairs are one plan: by two thresholds, a clerk's word before them, and never two people.

    However high its weight, a pair that lacks a needed level of agreement is at best in doubt.

    Plans that would be joined although two of them carry different IDs are certainly not one: every such
    chain of pairs goes to the clerk, even where a clerk made it.

    Args:
        pairs: plan_id_left, plan_id_right, match_probability, national_id_left, national_id_right [null without],
            and the level of agreement of each comparison that a level is needed of.
        reviewed: plan_id_left, plan_id_right, decision (linked, not_linked or null), one row a pair.
        rules: linkage_thresholds (linked, review and kept, as probabilities) and linkage_needed_levels
            (comparison -> levels, one of which a rule needs to link).

    Returns:
        The rows of `pairs` from `kept` on, and those a clerk decided, with decision and decided_by (rule, clerk).

    Raises:
        GuidelineMissing: the thresholds are not in order, or a level is needed of an unknown comparison.
    """
    linked, review, kept = (float(rules["linkage_thresholds"][name]) for name in ("linked", "review", "kept"))
    if not 0 <= kept <= review <= linked <= 1:
        raise _wrong_rule("linkage_thresholds", f"kept {kept}, review {review}, linked {linked}", "them in this order")
    pair = ["plan_id_left", "plan_id_right"]
    said = pairs[pair].merge(reviewed[[*pair, "decision"]], on=pair, how="left")["decision"].to_numpy(dtype=object)
    has_said = pd.notna(said)
    probability = pairs["match_probability"].to_numpy(dtype=np.float64)
    is_fit = _is_fit(pairs, rules["linkage_needed_levels"])
    by_rule = np.select(
        [(probability >= linked) & is_fit, probability >= review], ["linked", "review"], default="not_linked"
    )
    decided = pairs.assign(
        decision=np.where(has_said, said, by_rule).astype(object), decided_by=np.where(has_said, "clerk", "rule")
    )
    decided = decided[has_said | (probability >= kept)].reset_index(drop=True)
    decided.loc[_joins_two_people(decided), "decision"] = "review"
    return decided


def clusters(pairs: pd.DataFrame) -> pd.DataFrame:
    """Gather plans that are linked, over one another too, into clusters.

    Args:
        pairs: plan_id_left, plan_id_right of the linked pairs.

    Returns:
        plan_id, cluster_id (the least plan_id of its cluster), by plan_id; the order of pairs changes nothing.
    """
    plans, place = np.unique(pairs[["plan_id_left", "plan_id_right"]].to_numpy(dtype=str), return_inverse=True)
    left, right = place.reshape(-1, 2).T if len(pairs) else (np.empty(0, int), np.empty(0, int))
    edges = coo_array((np.ones(len(pairs)), (left, right)), shape=(len(plans), len(plans)))
    _, label = connected_components(edges, directed=False) if len(plans) else (0, np.empty(0, int))
    cluster = pd.Series(plans, dtype=object).groupby(label).transform("min")
    return pd.DataFrame({"plan_id": plans.astype(object), "cluster_id": cluster.to_numpy(dtype=object)})


def _assumed_m(trained: pd.DataFrame, assumed: Mapping[str, Mapping[str, str]]) -> pd.Series:
    keys = list(zip(trained["comparison"], trained["level"], strict=True))
    missing = [f"{comparison} {level}" for comparison, level in keys if level not in assumed.get(comparison, {})]
    if missing:
        raise _wrong_rule("linkage_m_probability", f"no value for {', '.join(missing)}", "one a level")
    return pd.Series([float(assumed[comparison][level]) for comparison, level in keys], index=trained.index)


def _shares(values: pd.Series, comparison: pd.Series) -> pd.Series:
    return (values / values.groupby(comparison).transform("sum")).round(MODEL_DIGITS)


def _is_fit(pairs: pd.DataFrame, needed: Mapping[str, Sequence[str]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    unknown = sorted(set(needed) - set(pairs.columns))
    if unknown:
        raise _wrong_rule("linkage_needed_levels", ", ".join(unknown), "comparisons that pairs have")
    met = [pairs[name].isin(levels).to_numpy(dtype=bool) for name, levels in needed.items()]
    return np.logical_and.reduce(met) if met else np.ones(len(pairs), dtype=bool)


def _joins_two_people(pairs: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    linked = pairs[pairs["decision"] == "linked"]
    cluster = clusters(linked).set_index("plan_id")["cluster_id"]
    sides = [
        pd.DataFrame({"cluster": linked[f"plan_id_{side}"].map(cluster), "person": linked[f"national_id_{side}"]})
        for side in ("left", "right")
    ]
    people = pd.concat(sides).dropna().drop_duplicates().groupby("cluster").size()
    wrong = people.index[people > 1]
    return ((pairs["decision"] == "linked") & pairs["plan_id_left"].map(cluster).isin(wrong)).to_numpy(dtype=bool)


# desk verification -------------------------------------------------------------------------------


def desk_status(facts: pd.DataFrame, rules: Mapping[str, Any]) -> pd.Series:
    """Give each row the status of the first desk rule whose conditions all hold.

    Args:
        facts: has_insurance [boolean or null], sms_outcome, phone_outcome [code or null].
        rules: desk_rules (ordered: status, and when: fact -> codes; 1 and 0 for a boolean; the last without).

    Returns:
        desk_status, in the order and index of `facts`.

    Raises:
        GuidelineMissing: a rule asks for a fact the desk does not gather, or no rule fits some row.
    """
    written = facts.assign(has_insurance=facts["has_insurance"].map({True: "1", False: "0"}))
    ordered: Sequence[Mapping[str, Any]] = rules["desk_rules"]
    holds = [_holds(written, rule.get("when") or {}) for rule in ordered]
    status = np.select(holds, [str(rule["status"]) for rule in ordered], default="") if holds else np.array([])
    if (status == "").any() or not ordered:
        raise _wrong_rule("desk_rules", f"{int((status == '').sum())} rows no rule fits", "a last rule without any")
    return pd.Series(status.astype(object), index=facts.index, name="desk_status")


def _holds(facts: pd.DataFrame, when: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    unknown = sorted(set(when) - set(DESK_FACTS))
    if unknown:
        raise _wrong_rule("desk_rules", f"a condition on {', '.join(unknown)}", f"one of {', '.join(DESK_FACTS)}")
    met = [facts[fact].isin(codes).to_numpy(dtype=bool) for fact, codes in when.items()]
    return np.logical_and.reduce(met) if met else np.ones(len(facts), dtype=bool)
