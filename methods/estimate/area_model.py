"""The Fay-Herriot model of areas: direct estimates and covariates put together, each by what it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, optimize

from methods.errors import AreaModelRefused

FloatArray = npt.NDArray[np.float64]
Method = Literal["REML", "ML"]

# A covariate that the others explain but for this part of its length is one of them.
DEPENDENT = 1e-10
# The variance between areas is looked for from a billionth of its upper bound on, two fifths more at each step.
SEARCH_SPAN, SEARCH_STEPS = 1e-9, 62


@dataclass(frozen=True)
class FayHerriot:
    """A fitted model.

    Attributes:
        method: REML or ML.
        areas: by the direct estimates' index: eblup, mse, gamma, the parts g1, g2, g3 of mse, and synthetic (the
            covariates' part alone).
        beta: coefficients, by the covariates' names.
        beta_standard_error: their standard errors, variance between areas taken as known.
        beta_covariance: their covariances, a square matrix.
        sigma2_u: variance between areas that the covariates do not explain.
        sigma2_u_standard_error: its standard error by the expected information.
        sigma2_u_bias: what the method makes of it too much, on average; 0 under REML.
    """

    method: Method
    areas: pd.DataFrame
    beta: pd.Series
    beta_standard_error: pd.Series
    beta_covariance: FloatArray
    sigma2_u: float
    sigma2_u_standard_error: float
    sigma2_u_bias: float

    def synthetic(self, covariates: npt.ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Give what the covariates alone say of areas without a direct estimate.

        Args:
            covariates: as those the model was fitted to, one row an area.

        Returns:
            eblup, mse and gamma, which is 0: the limits of an EBLUP whose sampling variance has no end.

        Raises:
            AreaModelRefused: other columns than the model's, or a value that is missing.
        Source:
            Rao and Molina (2015), Small Area Estimation, 2nd ed., 6.2.1 with psi without end.
        """
        x = np.asarray(covariates, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != len(self.beta) or not np.isfinite(x).all():
            raise AreaModelRefused(
                place="covariates of areas without a direct estimate",
                found=f"shape {x.shape}, {np.count_nonzero(~np.isfinite(x))} values missing or infinite",
                wanted=f"{len(self.beta)} finite columns, as the model was fitted to",
            )
        spread = np.einsum("ij,jk,ik->i", x, self.beta_covariance, x)
        index = covariates.index if isinstance(covariates, pd.DataFrame) else pd.RangeIndex(len(x))
        mse = np.maximum(self.sigma2_u + spread - self.sigma2_u_bias, 0)
        return pd.DataFrame({"eblup": x @ self.beta.to_numpy(), "mse": mse, "gamma": 0.0}, index=index)


@dataclass(frozen=True)
class _Fit:
    """What one value of the variance between areas makes of the rest; covariates are orthonormal."""

    weight: FloatArray
    inverse: FloatArray
    beta: FloatArray
    residual: FloatArray


def fay_herriot(
    direct: npt.ArrayLike, variance: npt.ArrayLike, covariates: npt.ArrayLike | pd.DataFrame, method: Method = "REML"
) -> FayHerriot:
    """Draw each area's direct estimate to what areas like it say, the more the less it is known.

    Areas whose variance is 0 are known: they keep their direct estimate (gamma 1, mse 0) and have no part in the
    fit, as a likelihood with such an area has no maximum.

    Args:
        direct: estimates of m areas [any unit].
        variance: their sampling variances [unit squared], taken as known.
        covariates: m rows by p columns, the intercept among them; rows in the order of `direct`.
        method: restricted or full maximum likelihood.

    Returns:
        The fitted model. `mse` is g1 + g2 + 2 g3, under ML less bias (1 - gamma)^2, also where the variance
        between areas is estimated as 0; the maximum is the highest one, to the last bits.

    Raises:
        AreaModelRefused: a value that is missing or infinite, a variance below 0, covariates that explain each
            other, no more areas of known variance than covariates, another method, no maximum found.
    Source:
        Fay and Herriot (1979), JASA 74; Rao and Molina (2015), Small Area Estimation, 2nd ed., 6.1.1-6.1.2
        (estimates) and 6.2.1 (mse); Datta and Lahiri (2000), Statistica Sinica 10 (bias of ML).
    """
    y, psi = np.asarray(direct, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    x = np.asarray(covariates, dtype=np.float64)
    index = direct.index if isinstance(direct, pd.Series) else pd.RangeIndex(len(y))
    names = covariates.columns if isinstance(covariates, pd.DataFrame) else pd.RangeIndex(x.shape[-1])
    _refuse_unusable(y, psi, x, index, names, method)
    open_areas = psi > 0
    q, r = linalg.qr(x[open_areas], mode="economic")
    _refuse_dependent(x[open_areas], r, names)
    sigma2 = _between_areas(y[open_areas], psi[open_areas], q, method)
    fit = _fitted(y[open_areas], psi[open_areas], q, sigma2)
    back = linalg.solve_triangular(r, np.eye(len(r)))
    beta, covariance = back @ fit.beta, back @ fit.inverse @ back.T
    information = (fit.weight**2).sum() / 2
    bias = -np.trace(fit.inverse @ _cross(q, fit.weight**2)) / (2 * information) if method == "ML" else 0.0
    areas = _areas(y, psi, x, beta, covariance, sigma2, 1 / information, bias)
    return FayHerriot(
        method=method,
        areas=areas.set_axis(index),
        beta=pd.Series(beta, index=names),
        beta_standard_error=pd.Series(np.sqrt(np.diag(covariance)), index=names),
        beta_covariance=covariance,
        sigma2_u=sigma2,
        sigma2_u_standard_error=float(np.sqrt(1 / information)),
        sigma2_u_bias=float(bias),
    )


def _areas(
    y: FloatArray,
    psi: FloatArray,
    x: FloatArray,
    beta: FloatArray,
    covariance: FloatArray,
    sigma2: float,
    sigma2_variance: float,
    bias: float,
) -> pd.DataFrame:
    # An area known for sure has gamma 1, also where nothing else differs between areas.
    whole = np.where(psi > 0, sigma2 + psi, 1.0)
    gamma = np.where(psi > 0, sigma2 / whole, 1.0)
    synthetic = x @ beta
    g1 = gamma * psi
    g2 = (1 - gamma) ** 2 * np.einsum("ij,jk,ik->i", x, covariance, x)
    g3 = psi**2 / whole**3 * sigma2_variance
    mse = g1 + g2 + 2 * g3 - bias * (1 - gamma) ** 2
    eblup = np.where(gamma == 1, y, gamma * y + (1 - gamma) * synthetic)
    return pd.DataFrame(
        {"eblup": eblup, "mse": mse, "gamma": gamma, "g1": g1, "g2": g2, "g3": g3, "synthetic": synthetic}
    )


def _between_areas(y: FloatArray, psi: FloatArray, q: FloatArray, method: Method) -> float:
    """Find the variance between areas: the highest likelihood of a grid, then the root of its slope beside it."""
    m, p = q.shape
    ordinary = y - q @ (q.T @ y)
    # Above this the likelihood only falls: every residual is explained several times over.
    top = 100 * float((ordinary**2).sum()) / (m - p) + float(psi.min())
    grid = np.concatenate([[0.0], np.geomspace(SEARCH_SPAN * top, top, SEARCH_STEPS)])
    height = [_log_likelihood(_fitted(y, psi, q, value), q, method) for value in grid]
    best = int(np.argmax(height))
    if best == 0 and _slope(_fitted(y, psi, q, 0.0), q, method) <= 0:
        return 0.0
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])

    def slope(value: float) -> float:
        return _slope(_fitted(y, psi, q, value), q, method)

    if slope(low) < 0 or slope(high) > 0:
        raise _no_maximum(low, high)
    try:
        return float(optimize.brentq(slope, low, high, xtol=1e-16 * high, rtol=4 * np.finfo(np.float64).eps))
    except RuntimeError as failure:
        raise _no_maximum(low, high) from failure


def _fitted(y: FloatArray, psi: FloatArray, q: FloatArray, sigma2: float) -> _Fit:
    weight = 1 / (sigma2 + psi)
    inverse = linalg.inv(_cross(q, weight))
    beta = inverse @ (q.T @ (weight * y))
    return _Fit(weight, inverse, beta, y - q @ beta)


def _cross(q: FloatArray, weight: FloatArray) -> FloatArray:
    product: FloatArray = (q * weight[:, None]).T @ q
    return product


def _log_likelihood(fit: _Fit, q: FloatArray, method: Method) -> float:
    height = np.log(fit.weight).sum() - (fit.weight * fit.residual**2).sum()
    restriction = np.linalg.slogdet(fit.inverse)[1] if method == "REML" else 0.0
    return float(height + restriction) / 2


def _slope(fit: _Fit, q: FloatArray, method: Method) -> float:
    trace = fit.weight.sum()
    if method == "REML":
        trace -= np.trace(fit.inverse @ _cross(q, fit.weight**2))
    return float(((fit.weight * fit.residual) ** 2).sum() - trace) / 2


def _no_maximum(low: float, high: float) -> AreaModelRefused:
    return AreaModelRefused(
        place="variance between areas",
        found=f"no maximum of the likelihood between {low:g} and {high:g}",
        wanted="one that the method converges to",
        remedy="Look for direct estimates far from all others, or variances many orders apart.",
    )


def _refuse_unusable(
    y: FloatArray, psi: FloatArray, x: FloatArray, index: pd.Index, names: pd.Index, method: str
) -> None:
    if method not in ("REML", "ML"):
        raise AreaModelRefused(place="method of fitting", found=f"{method}", wanted="REML or ML")
    if y.ndim != 1 or psi.shape != y.shape or x.ndim != 2 or len(x) != len(y):
        raise AreaModelRefused(
            place="areas",
            found=f"shapes {y.shape}, {psi.shape} and {x.shape}",
            wanted="m estimates, m variances, and covariates of m rows by p columns",
        )
    _refuse_first(~np.isfinite(y), index, y, "direct estimate", "a finite number")
    _refuse_first(~(np.isfinite(psi) & (psi >= 0)), index, psi, "sampling variance", "a finite number, 0 or above")
    missing = ~np.isfinite(x)
    if missing.any():
        row, column = np.argwhere(missing)[0]
        raise AreaModelRefused(
            place=f"area {index[row]}, covariate {names[column]}", found=f"{x[row, column]}", wanted="a finite number"
        )
    if np.count_nonzero(psi > 0) <= x.shape[1]:
        raise AreaModelRefused(
            place="areas",
            found=f"{np.count_nonzero(psi > 0)} of a sampling variance above 0, and {x.shape[1]} covariates",
            wanted="more areas than covariates",
        )


def _refuse_first(wrong: npt.NDArray[np.bool_], index: pd.Index, values: FloatArray, what: str, wanted: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise AreaModelRefused(place=f"area {index[row]}, {what}", found=f"{values[row]}", wanted=wanted)


def _refuse_dependent(x: FloatArray, r: FloatArray, names: pd.Index) -> None:
    length = np.sqrt((x**2).sum(axis=0))
    # What is left of a column once those before it are taken out.
    dependent = np.abs(np.diag(r)) <= DEPENDENT * length
    if dependent.any():
        raise AreaModelRefused(
            place=f"covariate {names[int(np.flatnonzero(dependent)[0])]}",
            found="nothing that the covariates before it do not say",
            wanted="covariates of which none follows from the others",
        )
