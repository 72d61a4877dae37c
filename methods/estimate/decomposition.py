"""Decomposition of a change of rates: who was inspected, and how they fared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

# Directions of less than this part of the largest carry no plans at all.
EMPTY = 1e-9
# Fewer plans than this for each coefficient, and the parts of a change are noise.
LEAST_PLANS_PER_COEFFICIENT = 5

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Decomposition:
    """The parts of the change of a rate, a row a domain, and what each kind of plan adds to them.

    Attributes:
        composition: change that comes of who was inspected [share]; NaN where too few plans bear it.
        by_factor: the same by factor, a column each; they add up to composition.
        level: for each round, what a plan of each cell adds to the composition by being there.
        slope: for each round, what it adds by a result that differs from what its cell's is taken to be.
        fit: for each round, the rate each cell is taken to have [share].
    """

    composition: FloatArray
    by_factor: FloatArray
    level: tuple[FloatArray, FloatArray]
    slope: tuple[FloatArray, FloatArray]
    fit: tuple[FloatArray, FloatArray]


@dataclass(frozen=True)
class _Fit:
    """The linear model of one round, a row a domain."""

    mass: FloatArray
    mean: FloatArray
    inverse: FloatArray
    empty: FloatArray
    coefficients: FloatArray
    is_borne: npt.NDArray[np.bool_]


def decompose(
    cells: pd.DataFrame, factors: Sequence[str], domain: IntArray, before: pd.DataFrame, after: pd.DataFrame
) -> Decomposition:
    """Take the change of a rate apart into composition and rates.

    In each round the rate of a kind of plan is a constant and an effect of each level of each factor, by weighted
    least squares; so the rate of all is the model at the mean plan, x'b, and
    x2'b2 - x1'b1 = (x2 - x1)'(b1 + b2)/2 + (x1 + x2)'(b2 - b1)/2, exactly. Of the coefficients that fit equally
    well, those of both rounds are taken whose effects differ least: a level that only one round has differs from the
    others as it does there. With one factor this is Kitagawa's decomposition.

    Args:
        cells: one row a kind of plan, with the factors.
        factors: columns of `cells`.
        domain: the domain of each cell, from 0.
        before: mass (denominator), hits (numerator), each expanded, and n (plans of the denominator), a row a cell.
        after: the same of the later round.

    Returns:
        The parts. What remains of the change is that of the rates.
    Source:
        Kitagawa (1955), Components of a difference between two rates, JASA 50; Oaxaca (1973), Male-female wage
        differentials in urban labor markets, International Economic Review 14; Reimers (1983), Labor market
        discrimination against Hispanic and black men, Review of Economics and Statistics 65 (equal weights).
    """
    columns, owner = _indicators(cells, factors)
    inside = np.equal.outer(domain, np.arange(domain.max(initial=-1) + 1)).astype(np.float64)
    fits = [_fitted(columns, inside, one) for one in (before, after)]
    moved = fits[1].mean - fits[0].mean
    loads = _averaging(fits[0].empty, fits[1].empty)
    average = sum(np.einsum("gpq,gq->gp", load, one.coefficients) for load, one in zip(loads, fits, strict=True))
    borne = fits[0].is_borne & fits[1].is_borne
    parts = np.where(borne[:, None], moved * average, np.nan)
    by_factor = np.column_stack([parts[:, owner == place].sum(axis=1) for place in range(1, len(factors) + 1)])
    reach = [np.einsum("gp,gpq,gqr->gr", moved, load, one.inverse) for load, one in zip(loads, fits, strict=True)]
    signs = (-1.0, 1.0)
    return Decomposition(
        composition=parts.sum(axis=1),
        by_factor=by_factor,
        level=_pair(_rowwise(columns - one.mean[domain], average[domain]) / one.mass[domain] for one in fits),
        slope=_pair(
            sign * _rowwise(columns, to[domain]) / one.mass[domain]
            for sign, to, one in zip(signs, reach, fits, strict=True)
        ),
        fit=_pair(_rowwise(columns, one.coefficients[domain]) for one in fits),
    )


def _indicators(cells: pd.DataFrame, factors: Sequence[str]) -> tuple[FloatArray, IntArray]:
    """A column for the constant and for every level of every factor, and the factor each belongs to, from 1."""
    parts, owner = [np.ones((len(cells), 1))], [0]
    for place, factor in enumerate(factors, start=1):
        codes, levels = pd.factorize(cells[factor], sort=True)
        parts.append(np.equal.outer(codes, np.arange(len(levels))).astype(np.float64))
        owner += [place] * len(levels)
    return np.column_stack(parts), np.array(owner, dtype=np.intp)


def _fitted(columns: FloatArray, inside: FloatArray, one: pd.DataFrame) -> _Fit:
    mass = inside.T @ one["mass"].to_numpy(dtype=np.float64)
    safe = np.where(mass > 0, mass, 1.0)
    share = inside * one["mass"].to_numpy(dtype=np.float64)[:, None] / safe
    hits = inside * one["hits"].to_numpy(dtype=np.float64)[:, None] / safe
    size = columns.shape[1]
    weighed = (share[:, :, None] * columns[:, None, :]).reshape(len(columns), -1)
    moments = (weighed.T @ columns).reshape(-1, size, size)
    values, vectors = np.linalg.eigh(moments)
    filled = values > EMPTY * np.maximum(values[:, -1:], EMPTY)
    inverse = (vectors * np.where(filled, 1 / np.where(filled, values, 1.0), 0.0)[:, None, :]) @ vectors.mT
    empty = (vectors * ~filled[:, None, :]) @ vectors.mT
    coefficients = np.einsum("gpq,gq->gp", inverse, hits.T @ columns)
    plans = inside.T @ one["n"].to_numpy(dtype=np.float64)
    borne = (mass > 0) & (plans >= LEAST_PLANS_PER_COEFFICIENT * filled.sum(axis=1))
    return _Fit(safe, share.T @ columns, inverse, empty, coefficients, borne)


def _averaging(before: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What takes least-squares coefficients of each round to the average of those whose effects differ least.

    Along `before` and `after` (projections on the directions without plans) coefficients may move freely.
    """
    one = np.eye(before.shape[1])
    # The constants may differ as they will: only effects are held together.
    effects = one.copy()
    effects[0, 0] = 0.0
    free = np.concatenate([before, -after], axis=2)
    back = np.concatenate([before, after], axis=2) @ np.linalg.pinv(effects @ free, rcond=1e-8) @ effects
    return (one - back) / 2, (one + back) / 2


def _rowwise(left: FloatArray, right: FloatArray) -> FloatArray:
    found: FloatArray = np.einsum("cp,cp->c", left, right)
    return found


def _pair(both: Iterable[FloatArray]) -> tuple[FloatArray, FloatArray]:
    first, second = both
    return first, second
