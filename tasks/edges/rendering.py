"""Rendering: one XHTML page by Jinja becomes a self-contained HTML page and a tagged PDF."""

from __future__ import annotations

import base64
import datetime
import io
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import jinja2
import typst
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

from tasks.edges.language import DIRECTIONS, N_, ORIGINAL, translations
from tasks.edges.settings import ROOT

TEMPLATES = ROOT / "report_templates"
# Vazirmatn 33.003 (OFL): its letters are whole. Noto's are put together from strokes and dots, and whoever copies
# them out of a PDF, or has it read aloud, gets each letter twice.
FONT = TEMPLATES / "fonts" / "Vazirmatn[wght].ttf"
# The header of each printed page repeats it, so that no page can be shown without it.
REHEARSAL_NOTICE = N_("داده‌های این بولتن ساختگی است")
# What nearly every page is written with. One small subset of the font then serves them all; a page with another
# letter, such as a name in Arabic spelling, gets a subset with that letter more.
PERSIAN = (
    "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیئءأؤۀ\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0654"
    "۰۱۲۳۴۵۶۷۸۹٪٫٬،؛؟«»–—−…·×\u061c\u200c\u200d\u200e\u200f"
)
LETTERS = frozenset(PERSIAN) | frozenset(map(chr, range(0x20, 0x7F)))
# The joining of letters, the placing of marks, figures of one width.
LAYOUT = [
    "ccmp", "locl", "init", "medi", "fina", "isol", "rlig", "liga", "calt", "kern", "mark", "mkmk", "tnum",
]  # fmt: skip
WEIGHTS = (400, 700)
# Typst keeps what it worked out for a page until so many others were compiled (typst-py: `comemo::evict(10)`), and
# no page is like another: ten of the larger ones at once would be most of the memory that printing takes.
KEPT_COMPILES = 11
LARGE_PAGE = 15_000

Filters = Mapping[str, Callable[..., Any]]


def render(
    template: str, context: Mapping[str, Any], filters: Filters, document_date: datetime.date, language: str = ORIGINAL
) -> tuple[bytes, bytes]:
    """Render a page as HTML and as PDF; the same context gives the same bytes.

    Args:
        template: name below `report_templates/`.
        context: what the template names; a name it lacks is an error.
        filters: Jinja filters, such as Persian digits; those of the language.
        document_date: date the PDF carries.
        language: fa, or one that has a catalogue.

    Returns:
        HTML with style and font inside, and PDF/UA-1 that is PDF/A-2a too.

    Raises:
        TranslationMissing: the catalogue lacks a message of the page.
    """
    page = render_page(template, context, filters, language)
    notice = translations(language).gettext(REHEARSAL_NOTICE) if context["edition"]["is_rehearsal"] else ""
    return dress_html(page), print_pdf(page, notice, document_date)


def render_page(template: str, context: Mapping[str, Any], filters: Filters, language: str = ORIGINAL) -> str:
    """Render the well-formed XHTML that both forms are made from.

    A template may also call `next_number(kind)`, which counts the tables and charts of this page.
    """
    environment = _environment(tuple(sorted(filters.items())), language)
    counted: Counter[str] = Counter()

    def next_number(kind: str) -> int:
        counted[kind] += 1
        return counted[kind]

    return environment.get_template(template).render(context, next_number=next_number).strip()


def dress_html(page: str) -> bytes:
    """Put style sheet and font into the page, so that it needs no other file."""
    style = _font_face(_more_letters(page)) + _style_sheet()
    return ("<!doctype html>\n" + page.replace("</head>", f"<style>\n{style}</style>\n</head>", 1)).encode("utf-8")


def print_pdf(page: str, notice: str, document_date: datetime.date, style: str = "print.typ") -> bytes:
    """Set the page for paper by Typst, as a style sheet below `report_templates/` says: PDF/UA-1 and PDF/A-2a."""
    date = {"year": document_date.year, "month": document_date.month, "day": document_date.day}
    # A compiler is cheap, and none is shared: threads print at the same time.
    compiler = typst.Compiler(
        str(TEMPLATES / style), root=str(TEMPLATES), font_paths=_print_fonts(), ignore_system_fonts=True
    )
    pdf = compiler.compile(
        format="pdf",
        sys_inputs={"page": page, "notice": notice} | {key: str(value) for key, value in date.items()},
        pdf_standards=["ua-1", "a-2a"],
    )
    if len(page) > LARGE_PAGE:
        _forget_layouts()
    # Only pictures come a page at a time.
    return pdf if isinstance(pdf, bytes) else b"".join(pdf or ())


def _forget_layouts() -> None:
    for _ in range(KEPT_COMPILES):
        typst.Compiler(b" ", font_paths=_print_fonts(), ignore_system_fonts=True).compile(format="svg")


@cache
def _environment(filters: tuple[tuple[str, Callable[..., Any]], ...], language: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.do", "jinja2.ext.i18n"],
    )
    # As babel.cfg has it, so that what is looked up is what was extracted.
    environment.policies["ext.i18n.trimmed"] = True
    # The extension adds it.
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(filters)
    environment.globals.update(language=language, original=ORIGINAL, direction=DIRECTIONS[language])
    return environment


@cache
def _style_sheet() -> str:
    return (TEMPLATES / "screen.css").read_text(encoding="utf-8")


@cache
def _print_fonts() -> Any:
    # Noto has what Vazirmatn lacks, and work lists are set in it.
    others = [Path(str(package.ROOT)) / "files" for package in (fontpkg_noto_sans_arabic, fontpkg_noto_sans)]
    folders = [str(path) for path in (FONT.parent, *others)]
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


@cache
def _known_letters() -> frozenset[str]:
    return frozenset(map(chr, TTFont(FONT, lazy=True).getBestCmap()))


def _more_letters(page: str) -> str:
    return "".join(sorted((set(page) - LETTERS) & _known_letters()))


@cache
def _font_face(more_letters: str) -> str:
    font = TTFont(FONT, recalcTimestamp=False)
    subsetter = subset.Subsetter(subset.Options(layout_features=LAYOUT))
    subsetter.populate(text="".join(sorted(LETTERS)) + more_letters)
    subsetter.subset(font)
    font = instancer.instantiateVariableFont(font, {"wght": WEIGHTS}, inplace=True)
    font.flavor = "woff2"
    stream = io.BytesIO()
    font.save(stream)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    source = f'url(data:font/woff2;base64,{data}) format("woff2")'
    return f'@font-face {{ font-family: "Payesh"; font-weight: {WEIGHTS[0]} {WEIGHTS[1]}; src: {source}; }}\n'
