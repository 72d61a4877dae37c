"""Rendering: well-formed pages that need no other file, in a font whose letters can be read out of the paper."""

import base64
import datetime
import io
import re

import pytest
from fontTools.ttLib import TTFont

from methods import persian
from tasks.edges import rendering

DAY = datetime.date(2026, 10, 23)
PAGE = """<html xmlns="http://www.w3.org/1999/xhtml" lang="fa" dir="rtl"><head><title>پایش</title></head>
<body class="nation"><h1>پایش</h1><p>{}</p></body></html>"""


def font_of(html):
    data = re.search(rb"base64,([A-Za-z0-9+/=]+)", html).group(1)
    return TTFont(io.BytesIO(base64.b64decode(data)))


def test_the_font_in_a_page_holds_every_letter_of_persian_and_few_others():
    letters = font_of(rendering.dress_html(PAGE.format("سلام"))).getBestCmap()
    assert set(map(ord, persian.ALPHABET + persian.PERSIAN_DIGITS + "٪٫٬«»")) <= set(letters)
    assert len(letters) < 220


def test_a_letter_beyond_persian_is_in_the_font_of_its_page():
    # A name in Pashto spelling.
    assert ord("ړ") not in font_of(rendering.dress_html(PAGE.format("سلام"))).getBestCmap()
    assert ord("ړ") in font_of(rendering.dress_html(PAGE.format("ړنا"))).getBestCmap()


def test_a_letter_no_font_has_stops_nothing():
    page = PAGE.format("\U0001f600")
    assert len(rendering.dress_html(page)) == len(rendering.dress_html(PAGE.format("x"))) + 3


def test_the_same_page_gives_the_same_bytes():
    page = PAGE.format("یک")
    assert rendering.dress_html(page) == rendering.dress_html(page)
    assert rendering.print_pdf(page, "", DAY) == rendering.print_pdf(page, "", DAY)


def test_tables_and_charts_of_a_page_are_counted_from_one(tmp_path, monkeypatch):
    (tmp_path / "page.html.j2").write_text(
        "{{ next_number('table') }}{{ next_number('table') }}{{ next_number('chart') }}"
    )
    monkeypatch.setattr(rendering, "TEMPLATES", tmp_path)
    rendering._environment.cache_clear()
    try:
        assert [rendering.render_page("page.html.j2", {}, {}) for _ in range(2)] == ["121", "121"]
    finally:
        rendering._environment.cache_clear()


@pytest.mark.parametrize("text", ["#panic()", "*a* _b_ $x$", "\\u{41}", "@label <label>"])
def test_the_print_style_takes_text_for_text(text):
    escaped = text.replace("<", "&lt;").replace(">", "&gt;")
    assert rendering.print_pdf(PAGE.format(escaped), "", DAY).startswith(b"%PDF")
