"""Rendering: one XHTML page by Jinja becomes a self-contained HTML page and a tagged PDF."""

from __future__ import annotations

import base64
import datetime
import io
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import jinja2
import typst
from fontTools import subset
from fontTools.ttLib import TTFont

from tasks.edges.settings import ROOT

TEMPLATES = ROOT / "report_templates"
# The header of each printed page repeats it, so that no page can be shown without it.
REHEARSAL_NOTICE = "داده‌های این بولتن ساختگی است"
PDF_STANDARDS: list[Literal["ua-1", "a-2a"]] = ["ua-1", "a-2a"]
# Arabic script with Persian letters and digits, presentation marks, Latin letters, signs of the page.
LETTERS = [
    *range(0x20, 0x7F),
    0xAB,
    0xB7,
    0xBB,
    *range(0x600, 0x700),
    0x200C,
    0x200D,
    0x200E,
    0x200F,
    0x2013,
    0x2014,
    0x2212,
]

Filters = Mapping[str, Callable[..., Any]]


def render(
    template: str, context: Mapping[str, Any], filters: Filters, document_date: datetime.date
) -> tuple[bytes, bytes]:
    """Render a page as HTML and as PDF; the same context gives the same bytes.

    Args:
        template: name below `report_templates/`.
        context: what the template names; a name it lacks is an error.
        filters: Jinja filters, such as Persian digits.
        document_date: date the PDF carries.

    Returns:
        HTML with style and font inside, and PDF/UA-1 that is PDF/A-2a too.
    """
    page = render_page(template, context, filters)
    notice = REHEARSAL_NOTICE if context["edition"]["is_rehearsal"] else ""
    return dress_html(page), print_pdf(page, notice, document_date)


def render_page(template: str, context: Mapping[str, Any], filters: Filters) -> str:
    """Render the well-formed XHTML that both forms are made from."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(filters)
    return environment.get_template(template).render(context).strip()


def dress_html(page: str) -> bytes:
    """Put style sheet and font into the page, so that it needs no other file."""
    style = _font_face() + (TEMPLATES / "screen.css").read_text(encoding="utf-8")
    return ("<!doctype html>\n" + page.replace("</head>", f"<style>\n{style}</style>\n</head>", 1)).encode("utf-8")


def print_pdf(page: str, notice: str, document_date: datetime.date, style: str = "print.typ") -> bytes:
    """Set the page for paper by Typst, as a style sheet below `report_templates/` says."""
    date = {"year": document_date.year, "month": document_date.month, "day": document_date.day}
    pdf = typst.compile(  # type: ignore[call-overload]  # its stubs want a Fonts object of the same types
        str(TEMPLATES / style),
        format="pdf",
        root=str(TEMPLATES),
        font_paths=[str(_arabic_font().parent), str(Path(str(fontpkg_noto_sans.ROOT)) / "files")],
        ignore_system_fonts=True,
        sys_inputs={"page": page, "notice": notice} | {key: str(value) for key, value in date.items()},
        pdf_standards=PDF_STANDARDS,
    )
    return bytes(pdf)


def _arabic_font() -> Path:
    (path,) = (Path(str(fontpkg_noto_sans_arabic.ROOT)) / "files").glob("*.ttf")
    return path


@cache
def _font_face() -> str:
    font = TTFont(_arabic_font(), recalcTimestamp=False)
    subsetter = subset.Subsetter(subset.Options(layout_features=["*"]))
    subsetter.populate(unicodes=LETTERS)
    subsetter.subset(font)
    font.flavor = "woff2"
    stream = io.BytesIO()
    font.save(stream)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    source = f'url(data:font/woff2;base64,{data}) format("woff2")'
    return f'@font-face {{ font-family: "Payesh"; font-weight: 100 900; src: {source}; }}\n'
