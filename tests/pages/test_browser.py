"""Pages in a headless Chromium: WCAG 2.2 AA by axe-core, dark mode, small screens, zoom, keyboard, print, speed."""

from pathlib import Path

import pytest
from page_kinds import KINDS

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MOST_SECONDS_TO_SHOW = 1.0


@pytest.fixture(scope="module")
def axe():
    carrier = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return (Path(carrier.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def addresses(pages, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for kind, page in pages.items():
        (folder / f"{kind}.html").write_bytes(page.html)
    return {kind: (folder / f"{kind}.html").as_uri() for kind in pages}


@pytest.fixture
def opened(browser, addresses):
    contexts = []

    def open_page(kind, width=1280, **options):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.goto(addresses[kind])
        return page

    yield open_page
    for context in contexts:
        context.close()


def faults(page, axe):
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert len(found["passes"]) > 20
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(kind, scheme, opened, axe):
    assert faults(opened(kind, color_scheme=scheme), axe) == []


def test_axe_would_find_something(opened, axe):
    page = opened("county")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [code for code, _ in faults(page, axe)] == ["html-has-lang"]


# 320 CSS pixels are a screen of 1280 at a zoom of 400 %.
@pytest.mark.parametrize("width", [360, 320])
@pytest.mark.parametrize("kind", KINDS)
def test_a_narrow_screen_scrolls_down_only(kind, width, opened, axe):
    page = opened(kind, width)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert faults(page, axe) == []


def test_dark_mode_is_dark(opened):
    paper = "getComputedStyle(document.body).backgroundColor"
    assert opened("county", color_scheme="light").evaluate(paper) == "rgb(255, 255, 255)"
    assert opened("county", color_scheme="dark").evaluate(paper) == "rgb(20, 25, 29)"


def test_the_keyboard_reaches_the_text_first_and_each_wide_table(opened):
    page = opened("national", 360)
    page.keyboard.press("Tab")
    focused = "document.activeElement.className"
    assert page.evaluate(focused) == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    wide = page.evaluate(
        "[...document.querySelectorAll('.table, .chart')].filter(one => one.scrollWidth > one.clientWidth).length"
    )
    name = "['aria-labelledby', 'aria-label'].map(one => document.activeElement.getAttribute(one)).join('')"
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(name))
    assert wide > 5
    assert len([one for one in reached if one and (one.startswith("table-") or one.startswith("نمودار"))]) >= wide


def test_what_has_the_focus_can_be_seen(opened):
    page = opened("national")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_printed_from_the_browser_nothing_is_cut_off(opened):
    page = opened("national")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.skip')).display") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('.table')).overflowX") == "visible"
    assert page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("kind", KINDS)
def test_letters_are_of_the_page_s_own_font(kind, opened):
    page = opened(kind)
    assert page.evaluate("document.fonts.ready.then(() => [...document.fonts].every(one => one.status === 'loaded'))")
    assert page.evaluate("document.fonts.check('1rem Payesh', 'پایش')")


@pytest.mark.parametrize("kind", ["national", "county", "national.en"])
def test_a_page_shows_within_a_second(kind, opened):
    def seconds():
        page = opened(kind)
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        return page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000

    # The best of three: another process must not turn a law red.
    assert min(seconds() for _ in range(3)) <= MOST_SECONDS_TO_SHOW
