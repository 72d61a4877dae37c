"""Domains: which part of the country's plans a plan belongs to, by each dimension."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from methods.estimate.definitions import Dimension

UNKNOWN = "unknown"
ALL = "all"


def label(plans: pd.DataFrame, dimensions: Sequence[Dimension]) -> pd.DataFrame:
    """Give each plan its domain of each dimension, as `agency=P01`.

    Args:
        plans: the columns of the dimensions.
        dimensions: see `Dimension`.

    Returns:
        A column a dimension, named by its code; what is not known is a domain of its own, `agency=unknown`,
        so that the domains of a dimension make up the whole.
    """
    found = {one.code: _labelled(plans[one.column], one) for one in dimensions}
    return pd.DataFrame(found, index=plans.index)


def with_section(plans: pd.DataFrame, isic: pd.DataFrame) -> pd.DataFrame:
    """Add activity_section, the section of activity_code, which domains are made of; see `activity_sections`."""
    return plans.assign(activity_section=activity_sections(plans["activity_code"], isic))


def activity_sections(codes: pd.Series, isic: pd.DataFrame) -> pd.Series:
    """Find the section (a letter) of each activity code of ISIC Rev. 4; null where there is none such.

    Args:
        codes: section letters, or codes of two to four digits.
        isic: code and level in the order of the classification: each section before its divisions.
    """
    section = isic["code"].where(isic["level"].astype(int) == 1).ffill()
    of_division = dict(zip(isic["code"], section, strict=True))
    written = codes.fillna("").astype(str)
    is_letter = written.str.len() == 1
    return written.where(is_letter, written.str[:2]).map(of_division)


def _labelled(values: pd.Series, dimension: Dimension) -> pd.Series:
    if dimension.edges:
        values = _banded(values, dimension)
    text = values.astype(object).where(values.notna(), "").astype(str)
    # A flag reads the same whether the column came with gaps or without.
    text = text.replace({"": UNKNOWN, "True": "yes", "False": "no"})
    return f"{dimension.code}=" + text


def _banded(values: pd.Series, dimension: Dimension) -> pd.Series:
    numbers = pd.to_numeric(values).astype("float64")
    edges = np.array([edge for edge, _ in dimension.edges])
    codes = np.array([UNKNOWN, *(code for _, code in dimension.edges)], dtype=object)
    place = np.searchsorted(edges, numbers.fillna(-np.inf).to_numpy(), side="right")
    return pd.Series(codes[place], index=values.index)
