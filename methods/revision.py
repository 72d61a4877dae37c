"""Revisions: what a later edition of a period says otherwise than the one before, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

KEYS = ["indicator", "basis", "level", "unit_code", "domain"]
# Printed figures agree when they agree to this part of themselves: sums are exact, quotients nearly so.
SAME = 1e-12
DATA, METHOD, ERROR = "data", "method", "error"


def changed(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """List the figures that two editions of a period print differently.

    Args:
        before: KEYS, estimate, quality, as the earlier edition printed them.
        after: the same of the later one.

    Returns:
        KEYS, before, after, change (after − before), relative_change, quality_before, quality_after; also
        figures that only one of the two prints, whose other side is missing. By KEYS.
    """
    columns = [*KEYS, "estimate", "quality"]
    both = before[columns].merge(after[columns], on=KEYS, how="outer", suffixes=("_before", "_after"), indicator=True)
    old, new = both["estimate_before"].to_numpy(), both["estimate_after"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        differs = ~(np.isclose(old, new, rtol=SAME, atol=0, equal_nan=True))
        relative = np.where(old != 0, (new - old) / np.abs(old), np.nan)
    is_changed = differs | (both["quality_before"] != both["quality_after"]).to_numpy()
    is_changed |= (both["_merge"] != "both").to_numpy()
    found = both.assign(change=new - old, relative_change=relative)[is_changed]
    names = {"estimate_before": "before", "estimate_after": "after"}
    wanted = [*KEYS, "before", "after", "change", "relative_change", "quality_before", "quality_after"]
    rows: pd.DataFrame = found.rename(columns=names)[wanted].sort_values(KEYS, ignore_index=True)
    return rows


def reasons(has_new_deliveries: bool, guideline_before: str, guideline_after: str, change_count: int) -> Sequence[str]:
    """Say why an edition differs from the one before: by data, by method, or because one was wrong.

    Args:
        has_new_deliveries: a delivery came in between the two cut-offs.
        guideline_before: version of all the guidelines and definitions the earlier edition rests on.
        guideline_after: of the later one.
        change_count: figures printed differently.

    Returns:
        data, method, both, or error: with the same data and the same rules, only a mistake of ours is left.
        Empty where nothing differs.
    """
    if change_count == 0:
        return ()
    found = [DATA] if has_new_deliveries else []
    found += [METHOD] if guideline_before != guideline_after else []
    return tuple(found) or (ERROR,)
