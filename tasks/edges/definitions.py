"""Definitions as data: the indicators of `reference/` and the classification their domains rest on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from tasks.edges.settings import settings


def indicators() -> dict[str, Any]:
    """Read every indicator with its variables and dimensions, as written."""
    path = settings().root / "reference" / "indicators.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def activities() -> pd.DataFrame:
    """Read ISIC Rev. 4: code, level, titles; each section before its divisions."""
    return pd.read_csv(settings().root / "reference" / "isic4_fa.csv", dtype=str)
