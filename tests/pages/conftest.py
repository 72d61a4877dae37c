"""Every kind of page of one invented edition, put together once, without a warehouse."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any

import pytest
from store import DAY, EMPTY_COUNTY, PERIOD, STRONG_COUNTY, UNDECIDED_COUNTY, UNVISITED_COUNTY, Store

from tasks.bulletin import FILTERS, Edition
from tasks.edges import rendering, warehouse

TEMPLATES = {
    "national": "national", "provincial": "provincial", "county": "county", "county-empty": "county",
    "county-unvisited": "county", "county-undecided": "county", "agency": "agency", "agency-absent": "agency",
    "methods": "methods",
}  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Page:
    """One page in all its forms."""

    xhtml: str
    html: bytes
    pdf: bytes


def contexts_of(store: Store) -> dict[str, dict[str, Any]]:
    """Put together what every kind of page names."""
    with pytest.MonkeyPatch.context() as patch:
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


@pytest.fixture(scope="session")
def store() -> Store:
    """The invented edition."""
    return Store()


@pytest.fixture(scope="session")
def contexts(store: Store) -> dict[str, dict[str, Any]]:
    """What each kind of page names."""
    return contexts_of(store)


@pytest.fixture(scope="session")
def pages(contexts: dict[str, dict[str, Any]]) -> dict[str, Page]:
    """Each kind of page as XHTML, HTML and PDF."""
    found = {}
    for kind, context in contexts.items():
        xhtml = xhtml_of(kind, context)
        pdf = rendering.print_pdf(xhtml, rendering.REHEARSAL_NOTICE, DAY)
        found[kind] = Page(xhtml, rendering.dress_html(xhtml), pdf)
    return found


@pytest.fixture(scope="session")
def browser() -> Any:
    """A headless Chromium, where one is installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=[*quiet, "--no-first-run", "--disable-sync"])
        yield running
        running.close()
