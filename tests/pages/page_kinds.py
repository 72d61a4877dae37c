"""The kinds of pages of an edition, each put together from the invented one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from invented_edition import DAY, EMPTY_COUNTY, LATER, PERIOD, STRONG_COUNTY, UNDECIDED_COUNTY, UNVISITED_COUNTY, Store

from tasks import translation
from tasks.bulletin import Edition
from tasks.edges import rendering, warehouse
from tasks.edges.language import ENGLISH, ORIGINAL

TEMPLATES = {
    "national": "national", "provincial": "provincial", "county": "county", "county-empty": "county",
    "county-unvisited": "county", "county-undecided": "county", "agency": "agency", "agency-absent": "agency",
    "methods": "methods", "revision": "revision", "national.en": "national", "provincial.en": "provincial",
}  # fmt: skip


KINDS = tuple(TEMPLATES)
ENGLISH_KINDS = tuple(kind for kind in KINDS if kind.endswith(f".{ENGLISH}"))
PERSIAN_KINDS = tuple(kind for kind in KINDS if kind not in ENGLISH_KINDS)


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

        national = edition.national()
        return {
            "national": national,
            "national.en": national,
            "provincial": provinces["06"],
            "provincial.en": provinces["06"],
            "county": county(STRONG_COUNTY),
            "county-empty": county(EMPTY_COUNTY),
            "county-unvisited": county(UNVISITED_COUNTY),
            "county-undecided": county(UNDECIDED_COUNTY),
            "agency": edition.agency("P02"),
            "agency-absent": edition.agency("P06"),
            "methods": edition.methods_report(),
            "revision": Edition(PERIOD, LATER).revision_note(),
        }


def xhtml_of(kind: str, context: dict[str, Any]) -> str:
    """Render one kind of page."""
    language = language_of(kind)
    said, filters = translation.put(context, language), translation.FILTERS[language]
    return rendering.render_page(f"{TEMPLATES[kind]}.html.j2", said, filters, language)


def language_of(kind: str) -> str:
    """Say which language a kind of page is in."""
    return ENGLISH if kind in ENGLISH_KINDS else ORIGINAL
