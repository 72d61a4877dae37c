"""Every kind of page of one invented edition, put together once, without a warehouse."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from invented_edition import DAY, Store
from page_kinds import Page, contexts_of, language_of, xhtml_of

from tasks.edges import rendering
from tasks.edges.language import translations

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def store() -> Store:
    """The invented edition, whose rules are the guidelines' own: earlier tests may have set a rehearsal's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PAYESH_GUIDELINES", raising=False)
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
        notice = translations(language_of(kind)).gettext(rendering.REHEARSAL_NOTICE)
        pdf = rendering.print_pdf(xhtml, notice, DAY)
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
