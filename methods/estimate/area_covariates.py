"""What tells counties apart without a visit: the census and the frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from methods.errors import AreaModelRefused

# A column that the others explain but for this part of its length follows from them.
FOLLOWS = 1e-6


def area_covariates(counties: pd.DataFrame, agencies: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tell counties apart by what is known of them without a visit.

    A county that the census did not count takes the mean of its province's counties, or of the nation's where the
    province has none; the group `uncounted` lets a model see that it did.

    Args:
        counties: county_code, province_code, eligible_plan_count, self_employment_plan_count, loan_paid_rial,
            registered_job_count of the frame; population_count, active_person_count, unemployed_person_count of the
            census, missing where it did not count the county.
        agencies: county_code, agency_code, eligible_plan_count.

    Returns:
        Group -> its columns, by county_code.
    """
    table = counties.set_index("county_code").sort_index()
    plans = table["eligible_plan_count"].astype(np.float64)
    persons = table[["population_count", "active_person_count", "unemployed_person_count"]].astype(np.float64)
    population, active, unemployed = (persons[name].where(persons[name] > 0) for name in persons.columns)
    mean_loan = table["loan_paid_rial"].astype(np.float64) / plans
    groups = {
        "province": pd.get_dummies(table["province_code"], prefix="province", prefix_sep="=").astype(np.float64),
        "population": _of_province(table, "log_population", np.log(population)),
        "participation": _of_province(table, "participation_share", active / population),
        "unemployment": _of_province(table, "unemployment_share", unemployed / active),
        "uncounted": population.isna().astype(np.float64).to_frame("uncounted"),
        "self_employment": (table["self_employment_plan_count"] / plans).to_frame("self_employment_share"),
        "mean_loan": pd.DataFrame({"log_mean_loan": np.log(mean_loan.clip(lower=1))}),
        "jobs_per_plan": (table["registered_job_count"] / plans).to_frame("jobs_per_plan"),
        "agency": _agency_shares(table.index, agencies),
    }
    return {name: group.astype(np.float64) for name, group in groups.items()}


def chosen_covariates(
    groups: Mapping[str, pd.DataFrame], names: Sequence[str], areas: pd.Index, areas_per_covariate: float
) -> pd.DataFrame:
    """Put groups of covariates side by side, as many as the areas bear.

    Args:
        groups: see `area_covariates`.
        names: the groups to take, in the order in which they matter.
        areas: those with a direct estimate, which have to tell the covariates apart.
        areas_per_covariate: least number of such areas to a column.

    Returns:
        By the index of the groups, the intercept first. A group that would make too many columns is left out
        whole, and so is a column that, among `areas`, follows from those before it.

    Raises:
        AreaModelRefused: a group that nobody knows.
    """
    unknown = [name for name in names if name not in groups]
    if unknown:
        raise AreaModelRefused(
            place="guideline small_area, area_covariates", found=unknown[0], wanted=f"any of {', '.join(groups)}"
        )
    kept = pd.DataFrame({"intercept": 1.0}, index=next(iter(groups.values())).index)
    for name in names:
        wider = kept.join(groups[name])
        wider = wider[_independent(wider.loc[areas])]
        kept = wider if len(wider.columns) * areas_per_covariate <= len(areas) else kept
    return kept


def _independent(columns: pd.DataFrame) -> list[str]:
    """Name the columns that do not follow from those before them."""
    basis = np.empty((len(columns), 0))
    kept: list[str] = []
    for name, values in columns.items():
        column = values.to_numpy(dtype=np.float64)
        # Twice, as the first pass leaves its rounding behind.
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        if float(np.linalg.norm(rest)) > FOLLOWS * float(np.linalg.norm(column)):
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
            kept.append(str(name))
    return kept


def _of_province(table: pd.DataFrame, name: str, known: pd.Series) -> pd.DataFrame:
    filled = known.fillna(known.groupby(table["province_code"]).transform("mean")).fillna(known.mean())
    # With no census at all the column is 0 throughout, and none is chosen that tells nothing apart.
    return filled.fillna(0.0).to_frame(name)


def _agency_shares(counties: pd.Index, agencies: pd.DataFrame) -> pd.DataFrame:
    counts = agencies.pivot_table(
        index="county_code", columns="agency_code", values="eligible_plan_count", aggfunc="sum", fill_value=0
    )
    shares = counts.div(counts.sum(axis=1), axis=0)
    return shares.reindex(counties).fillna(0.0).add_prefix("agency=")
