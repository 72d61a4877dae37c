"""Design-based estimates: totals, means, ratios and proportions of domains of a multi-stage sample."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from methods.errors import DesignMismatch, WeightWrong
from methods.estimate import breakdown, calibration, intervals, stages
from methods.estimate.breakdown import FloatArray, begins, sums
from methods.estimate.linearised import Columns, Estimated, Sample, linearise, ordered

StageColumns = str | Sequence[str | None]


class Design(Sample):
    """A sample with its weights and stages, declared once; each estimate carries its variance.

    A domain is a part of the whole design: units outside it count as zeros. A missing value leaves the domain for
    that variable, its primary unit still counts. Units nest in strata and in their parent, so an identifier that
    comes again elsewhere is another unit.

    Degrees of freedom are primary units less strata among the domain's rows. See `Sample` for what a table holds.

    Args:
        data: a row a last unit, at least one.
        weight: column of weights, above 0.
        strata: columns of strata by stage; None for a stage without, fewer where later stages have none.
        units: columns of units by stage; none where the rows are the only units.
        population: columns of the number of units in the stratum or parent unit, by stage; one more than `units`
            makes the rows the last stage. None skips a stage (each unit was taken), and so do fewer than stages.
            Without any, the first stage was drawn with replacement and alone tells the variance.
        single_unit: what a stratum with one unit of several adds: certainty or remove nothing; adjust its square,
            about zero; average what the others add on average. fail refuses it.

    Raises:
        WeightWrong: a weight is zero, negative, infinite or missing.
        DesignMismatch: a column is unknown or has gaps, a population is not constant or smaller than its sample.
        SingleUnit: a stratum has one unit, and `single_unit` is fail, or average with no other to go by.
        SettingWrong: no such treatment.
    Source:
        Särndal, Swensson and Wretman (1992), Model Assisted Survey Sampling, 4.3 (stages), 5.6-5.8 (ratios, domain
        means); Lumley (2010), Complex Surveys, 3.2 (strata with one unit).
    """

    def __init__(
        self,
        data: pd.DataFrame,
        weight: str,
        strata: StageColumns = (),
        units: Columns = (),
        population: StageColumns = (),
        single_unit: str = "certainty",
    ) -> None:
        self._data = data.copy(deep=False)
        self._stages = stages.arrange(
            data, _by_stage(strata), breakdown.names(units), _by_stage(population), single_unit
        )
        self._weight = _positive(data, weight)[self._stages.order]
        self._adjustment: calibration.Adjustment | None = None

    @property
    def weights(self) -> pd.Series:
        """Weights, calibrated if the design is, row by row of the data."""
        found = np.empty(len(self._weight))
        found[self._stages.order] = self._weight
        return pd.Series(found, index=self._data.index, name="weight")

    def proportions(
        self, variables: Columns, by: Columns = (), interval: str = "beta", confidence: float = 0.95
    ) -> pd.DataFrame:
        """Estimate means of marks, with lower and upper bound.

        Args:
            variables: columns of 0 and 1 (or booleans) and missing values.
            by: columns that make the domains.
            interval: logit, beta, wilson, xlogit or asin, see `intervals.interval`. At a share of 0 or 1 always
                Clopper-Pearson, at the size that the weights leave; no width where every unit was taken.
            confidence: of the interval, between 0 and 1.

        Raises:
            DesignMismatch: a value is neither 0 nor 1.
            SettingWrong: no such interval, or confidence.
        """
        asked = breakdown.names(variables)
        values = breakdown.numbers(self._data, asked)
        _refuse_other_marks(asked, values)
        found = self._estimated(values, None, by)
        figures = found.columns
        lower, upper = intervals.interval(
            interval,
            figures["estimate"],
            figures["standard_error"],
            figures["n"],
            figures["degrees_of_freedom"],
            found.effective_size,
            confidence,
        )
        return found.parts.table(asked, figures | {"lower": lower, "upper": upper})

    def post_stratified(self, column: str, margins: Mapping[object, float]) -> Design:
        """Weigh the rows of each category to its known count.

        Args:
            column: the categories, a value in each row.
            margins: category -> count, for each category.

        Raises:
            CalibrationFailed: a category has no count, or no row; a count is not above 0.
        Source:
            Särndal, Swensson and Wretman (1992), 7.6.
        """
        return self.calibrated({column: margins})

    def calibrated(
        self,
        margins: Mapping[str, Mapping[object, float] | float],
        method: str = "linear",
        bounds: tuple[float, float] | None = None,
    ) -> Design:
        """Change weights as little as may be so that known totals are met; later estimates rest on residuals.

        What is calibrated already starts from its weights; the last margins hold exactly.

        Args:
            margins: column -> counts by category, or the total of a number. They may overlap if they agree.
            method: linear, raking or logit.
            bounds: lowest and highest ratio of new to old weight, below and above 1; logit needs them, linear may
                have them, raking has none.

        Raises:
            CalibrationFailed: margins cannot be met; it names the one missed by most.
            SettingWrong: no such method, or bounds that do not go with it.
        Source:
            Deville and Särndal (1992), Calibration estimators in survey sampling, JASA 87, sections 2 and 3.
        """
        wanted = calibration.read(self._data, margins).taken(self._stages.order)
        change = calibration.solve(self._weight, wanted, method, bounds)
        found = copy.copy(self)
        found._adjustment = calibration.compose(self._adjustment, self._stages, self._weight, change, wanted.columns)
        found._weight = self._weight * change
        return found

    def _estimated(self, top: FloatArray, bottom: FloatArray | None, by: Columns, is_total: bool = False) -> Estimated:
        parts = self._parts(by)
        domain, place = ordered(parts.code[self._stages.order])
        rows, weight = self._stages.order[place], self._weight[place]
        found = linearise(domain, weight, top[rows], None if bottom is None else bottom[rows], is_total)
        variance = self._stages.variances(domain, place, weight[:, None] * found.influence)
        if self._adjustment is not None:
            variance = self._adjustment.corrected(variance, self._stages, domain, place, weight, found.influence)
        freedom = self._stages.freedom(domain, place, found.is_observed)
        is_taken = self._stages.is_complete[place, None] & found.is_observed
        is_exact = sums((~is_taken).astype(np.float64), begins(domain)) == 0
        size = np.where(is_exact, np.inf, found.effective_size)
        return Estimated(parts, found.columns(variance, freedom), size)


def _by_stage(asked: StageColumns) -> tuple[str | None, ...]:
    return (asked,) if isinstance(asked, str) else tuple(asked)


def _positive(data: pd.DataFrame, weight: str) -> FloatArray:
    breakdown.refuse_unknown(data, [weight])
    found: FloatArray = data[weight].to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~(np.isfinite(found) & (found > 0))
    if wrong.any():
        at = int(wrong.argmax())
        raise WeightWrong(
            f"column {weight}, row {data.index[at]}", f"a weight of {found[at]:g}", "a finite number above 0",
            f"{int(wrong.sum())} of {len(data)} rows are so.",
        )  # fmt: skip
    return found


def _refuse_other_marks(variables: Sequence[str], values: FloatArray) -> None:
    other = ~(np.isnan(values) | (values == 0) | (values == 1))
    if other.any():
        row, column = (int(at[0]) for at in np.nonzero(other))
        raise DesignMismatch(f"column {variables[column]}", f"a mark of {values[row, column]:g}", "0, 1 or missing")
