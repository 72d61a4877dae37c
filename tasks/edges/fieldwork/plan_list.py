"""Plan list a phone looks plans up in: the CSV attached to the form."""

from __future__ import annotations

import pandas as pd

# pulldata() of ODK Collect indexes columns whose name ends in _key.
COLUMNS = (
    "qr_key", "visit_id_key", "visit_id", "plan_id", "level", "firm_code", "inspector_code", "applicant_name",
    "place", "plan_kind", "registered_jobs", "loan_paid",
)  # fmt: skip


def write(plans: pd.DataFrame) -> bytes:
    """Write the list: only what a phone shows or checks, and no national ID.

    Args:
        plans: the columns above, as a reader sees them.
    """
    text: str = plans[list(COLUMNS)].sort_values("visit_id").to_csv(index=False, lineterminator="\n")
    return text.encode("utf-8")
