"""The kinds of pages of an edition, each put together from the invented one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from invented_edition import DAY, EMPTY_COUNTY, PERIOD, STRONG_COUNTY, UNDECIDED_COUNTY, UNVISITED_COUNTY, Store

from tasks.bulletin import FILTERS, Edition
from tasks.edges import rendering, warehouse

TEMPLATES = {
    "national": "national", "provincial": "provincial", "county": "county", "county-empty": "county",
    "county-unvisited": "county", "county-undecided": "county", "agency": "agency", "agency-absent": "agency",
    "methods": "methods",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """One page in all its forms."""

    xhtml: str
    html: bytes
    pdf: bytes


def contexts_of(store: Store) -> dict[str, dict[str, Any]]:
    """Put together what every kind of page names, by the guidelines themselves and not those of a rehearsal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PAYESH_GUIDELINES", raising=False)
        patch.setattr(warehouse, "read", store.read)
        edition = Edition(PERIOD, DAY)
        provinces = {code: edition.provincial(code) for code in ("00", "01", "06")}

        def county(code: str) -> dict[str, Any]:
            return edition.county(provinces[code[:2]], code)

        return {
            "national": edition.national(),
            "provincial": provinces["06"],
            "county": county(STRONG_COUNTY),
            "county-empty": county(EMPTY_COUNTY),
            "county-unvisited": county(UNVISITED_COUNTY),
            "county-undecided": county(UNDECIDED_COUNTY),
            "agency": edition.agency("P02"),
            "agency-absent": edition.agency("P06"),
            "methods": edition.methods_report(),
        }


def xhtml_of(kind: str, context: dict[str, Any]) -> str:
    """Render one kind of page."""
    return rendering.render_page(f"{TEMPLATES[kind]}.html.j2", context, FILTERS)
