"""Definitions as data: the indicators of `reference/` and the classification their domains rest on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import yaml

from tasks.edges.settings import settings

# PyYAML's own parser takes eight times as long, and an edition reads its indicators more than once.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def indicators() -> dict[str, Any]:
    """Read every indicator with its variables and dimensions, as written."""
    path = settings().root / "reference" / "indicators.yaml"
    document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506
    return document


def activities() -> pd.DataFrame:
    """Read ISIC Rev. 4: code, level, titles; each section before its divisions."""
    return pd.read_csv(settings().root / "reference" / "isic4_fa.csv", dtype=str)


def english_places() -> dict[str, str]:
    """Read the English names of provinces, by code; a county has none in any source."""
    provinces = pd.read_csv(settings().root / "reference" / "provinces.csv", dtype=str)
    return dict(zip(provinces["code"], provinces["name_en"], strict=True))
