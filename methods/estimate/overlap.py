"""Overlap: the covariance of two rounds that were drawn with the same permanent random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from methods.errors import FrameMismatch
from methods.estimate.strata import CERTAIN

SIDES = ("before", "after")
PAIR = ["before_stratum_code", "after_stratum_code"]
KNOWN = ["stratum_code", "nation", "province_code", "agency_code"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlap:
    """Plans drawn in both rounds, and what that says of their covariance.

    Attributes:
        both: plan_id; before_row and after_row, its places in the rounds; KNOWN with before_ and after_.
        cells: PAIR, persisting, both_n, before_n, after_n, before_chance, after_chance, gain; one row a pair of strata
            that plans of both frames lie in. None where the draws are independent.
    """

    both: pd.DataFrame
    cells: pd.DataFrame | None

    @classmethod
    def of(cls, before: pd.DataFrame, after: pd.DataFrame, persisting: pd.DataFrame | None) -> Overlap:
        """Find the plans of both rounds.

        Args:
            before: plan_id, KNOWN, inclusion_probability, one row a drawn plan.
            after: the same of the later round.
            persisting: before_stratum, after_stratum, plan_count of the plans in both frames; None: independent.

        Raises:
            FrameMismatch: more plans are in both samples than in both frames.
        """
        left, right = (
            one[KNOWN].add_prefix(f"{side}_").assign(plan_id=one["plan_id"], **{f"{side}_row": np.arange(len(one))})
            for side, one in zip(SIDES, (before, after), strict=True)
        )
        both = left.merge(right, on="plan_id")
        return cls(both, None if persisting is None else _cells(before, after, both, persisting))

    def counted(self, keys: Sequence[str]) -> pd.Series:
        """Count the plans that lie in a domain in both rounds."""
        named = self.both[self.is_same(keys)].rename(columns={f"before_{key}": key for key in keys})
        return named.groupby(list(keys)).size()

    def is_same(self, keys: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Mark the plans whose domain is the same in both rounds."""
        left, right = (self.both[[f"{side}_{key}" for key in keys]].to_numpy() for side in SIDES)
        return np.asarray((left == right).all(axis=1), dtype=np.bool_)


def covariances(
    before: pd.DataFrame, after: pd.DataFrame, added: Sequence[pd.DataFrame], overlap: Overlap, keys: list[str]
) -> pd.DataFrame:
    """Estimate the covariances of the totals of two rounds, by domain.

    With e and f what plans add, as residuals from the sample means of their strata a and b, N_ab plans in both
    frames and n_ab of them in both samples,
    C = sum over (a, b) of (1 / (pi_a pi_b) - N_ab / n_ab) / u_ab * sum of e f over the n_ab plans,
    u_ab = 1 - 1/n_a - 1/n_b + n_ab / (n_a n_b). In one frame that is N^2 (n_ab / (n_a n_b) - 1/N) S_ef without bias.
    Where no plan of (a, b) came again S_ef cannot be seen: the lowest it can be is taken, -N_ab s_e s_f.

    Args:
        before: plan_id, stratum_code, `keys`, one row a drawn plan.
        after: the same of the later round.
        added: what each plan adds to each total, by round, a column a total.
        overlap: of the two rounds.
        keys: columns that make up a domain; plans outside of it add 0.

    Returns:
        Index `keys`, a column a total; no rows where the draws are independent.
    Source:
        Tam (1984), On covariances from overlapping samples, The American Statistician 38(4); Qualité and Tillé
        (2008), Variance estimation of changes in repeated surveys and its application to the Swiss survey of value
        added, Survey Methodology 34(2); Berger (2004), Variance estimation for measures of change in probability
        sampling, Canadian Journal of Statistics 32(4); Wood (2008), On the covariance between related
        Horvitz-Thompson estimators, Journal of Official Statistics 24(1).
    """
    names = list(added[0].columns)
    if overlap.cells is None:
        return pd.DataFrame(columns=names, dtype=np.float64)
    first, second = (
        _stratum_moments(one, own, keys).rename(columns={"stratum_code": f"{side}_stratum_code"})
        for one, own, side in zip((before, after), added, SIDES, strict=True)
    )
    rows = overlap.cells.merge(first, on=PAIR[0]).merge(second, on=[PAIR[1], *keys], suffixes=("", "_after"))
    # A domain must be in both strata; where only its plans of one round came again, the others add 0.
    rows = rows.merge(_sums_of_both(added, overlap, keys), on=[*PAIR, *keys], how="left")
    found = pd.DataFrame(_by_cell(rows, names), columns=names)
    return pd.concat([rows[keys], found], axis=1).groupby(keys, sort=True).sum()


def _cells(before: pd.DataFrame, after: pd.DataFrame, both: pd.DataFrame, persisting: pd.DataFrame) -> pd.DataFrame:
    named = persisting.set_axis([*PAIR, "persisting"], axis=1)
    cells = named.merge(both.groupby(PAIR).size().rename("both_n").reset_index(), on=PAIR, how="outer")
    cells = cells.fillna({"both_n": 0, "persisting": 0})
    broken = cells[cells["both_n"] > cells["persisting"]]
    if len(broken):
        first = broken.iloc[0]
        raise FrameMismatch(
            place=f"plans of both rounds, stratum {first[PAIR[0]]} then {first[PAIR[1]]}",
            found=f"{int(first['both_n'])} in both samples",
            wanted=f"at most the {int(first['persisting'])} in both frames",
        )
    for side, one, code in zip(SIDES, (before, after), PAIR, strict=True):
        sizes = one.groupby("stratum_code").agg(n=("plan_id", "size"), chance=("inclusion_probability", "first"))
        cells = cells.merge(sizes.add_prefix(f"{side}_"), left_on=code, right_index=True)
    return cells.assign(gain=_gains(cells))


def _gains(cells: pd.DataFrame) -> FloatArray:
    """What the product of residuals of a plan in both samples adds to the covariance."""
    n, m, both = (cells[name].to_numpy(dtype=np.float64) for name in ("before_n", "after_n", "both_n"))
    first, second = (cells[f"{side}_chance"].to_numpy(dtype=np.float64) for side in SIDES)
    # Residuals are taken from sample means, which the same plans are part of.
    used = 1 - 1 / n - 1 / m + both / (n * m)
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = (1 / (first * second) - cells["persisting"].to_numpy(dtype=np.float64) / both) / used
        most = np.sqrt((1 - first) * (1 - second) * n * m / ((n - 1) * (m - 1))) / (first * second)
        # No more than keeps every difference's variance from falling below zero.
        bounded = np.clip(plain, -most, most)
    gains: FloatArray = np.where(_is_open(cells) & (both > 0) & (n > 1) & (m > 1), bounded, 0.0)
    return gains


def _is_open(cells: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether chance had a part in both draws: a stratum taken for sure has no covariance with anything."""
    return ((cells["before_chance"] < CERTAIN) & (cells["after_chance"] < CERTAIN)).to_numpy(dtype=np.bool_)


def _stratum_moments(one: pd.DataFrame, added: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean and spread of what plans add, by stratum and domain."""
    n = one.groupby("stratum_code")["plan_id"].transform("size")
    mean, square = added.div(n, axis=0).add_suffix("|mean"), (added**2).div(n, axis=0).add_suffix("|spread")
    parts = [one[["stratum_code", *keys]].assign(n=n), mean, square]
    groups = pd.concat(parts, axis=1).groupby(["stratum_code", *keys], sort=True)
    size, found = groups["n"].first(), groups[[*mean.columns, *square.columns]].sum()
    spread = (found[square.columns] - found[mean.columns].to_numpy() ** 2).clip(lower=0)
    found[square.columns] = np.sqrt(spread.mul(size / (size - 1).clip(lower=1), axis=0))
    return found.reset_index()


def _sums_of_both(added: Sequence[pd.DataFrame], overlap: Overlap, keys: list[str]) -> pd.DataFrame:
    """Sums over the plans of both samples, by pair of strata and domain: of each round, and of their products."""
    both = overlap.both
    first, second = (
        one.iloc[both[f"{side}_row"].to_numpy()].reset_index(drop=True) for one, side in zip(added, SIDES, strict=True)
    )
    product = (first * second).mul(overlap.is_same(keys).astype(np.float64), axis=0)
    parts = (("before", first.add_suffix("|first")), ("after", second.add_suffix("|second")),
             ("before", product.add_suffix("|product")))  # fmt: skip
    sums = []
    for side, table in parts:
        domain = both[[f"{side}_{key}" for key in keys]].set_axis(keys, axis=1)
        sums.append(pd.concat([both[PAIR], domain, table], axis=1).groupby([*PAIR, *keys]).sum())
    return pd.concat(sums, axis=1).reset_index()


def _by_cell(rows: pd.DataFrame, names: list[str]) -> FloatArray:
    parts = ("mean", "mean_after", "spread", "spread_after", "first", "second", "product")
    block = {part: rows[[f"{name}|{part}" for name in names]].fillna(0.0).to_numpy(dtype=np.float64) for part in parts}
    both, gain = (rows[[name]].to_numpy(dtype=np.float64) for name in ("both_n", "gain"))
    mean, other = block["mean"], block["mean_after"]
    centred = block["product"] - mean * block["second"] - other * block["first"] + both * mean * other
    could = (rows["persisting"] * _is_open(rows)).to_numpy(dtype=np.float64)[:, None]
    found: FloatArray = np.where(both > 0, gain * centred, -could * block["spread"] * block["spread_after"])
    return found
