"""The PDF as pikepdf sees it: titled, in its language, tagged: headings, table heads, alternate text, its fonts."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import pikepdf
import pytest
import typst
from invented_edition import DAY
from page_kinds import ENGLISH_KINDS, KINDS, language_of
from PIL import Image, ImageChops

from tasks.edges import rendering
from tasks.edges.language import translations

GOLDEN = Path(__file__).parents[1] / "golden"
# The share of points that may differ by more than an eighth of the scale from the approved picture.
MOST_DIFFERENT_SHARE = 0.01
PICTURES = {"national": (1, 3), "provincial": (2,), "county": (1,), "national.en": (1, 3), "provincial.en": (3,)}
# In each language: of every title, of the line on every sheet, before the number of a table, on every foot.
TITLE = {"fa": "پایش اشتغال", "en": "Employment Monitoring"}
MADE_UP = {"fa": "این بولتن ساختگی است", "en": "The data in this bulletin are made up"}
TABLE = {"fa": r"جدول [۰-۹]+", "en": r"Table [0-9]+\."}
FOOT = {"fa": r"صفحهٔ|صفحٔه", "en": r"Page [0-9]+ of [0-9]+"}


@pytest.fixture(scope="module")
def papers(pages):
    opened = {kind: pikepdf.open(io.BytesIO(page.pdf)) for kind, page in pages.items()}
    yield opened
    for pdf in opened.values():
        pdf.close()


def nodes(node):
    if isinstance(node, pikepdf.Array):
        for child in node:
            yield from nodes(child)
    elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node
        if "/K" in node:
            yield from nodes(node.K)


def structure(pdf):
    return list(nodes(pdf.Root.StructTreeRoot.K))


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_has_its_language_a_title_and_tags_by_both_standards(kind, papers):
    pdf, language = papers[kind], language_of(kind)
    assert str(pdf.Root.Lang).startswith(language)
    assert pdf.Root.MarkInfo.Marked
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert TITLE[language] in str(pdf.docinfo["/Title"])
    metadata = pdf.Root.Metadata.read_bytes().decode("utf-8", "replace")
    assert "pdfuaid:part" in metadata and "pdfaid:part" in metadata


@pytest.mark.parametrize("kind", KINDS)
def test_headings_begin_with_one_title_and_skip_no_level(kind, papers):
    levels = [int(str(node.S)[2:]) for node in structure(papers[kind]) if re.fullmatch(r"/H[1-6]", str(node.S))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in zip(levels, levels[1:], strict=False))


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_has_a_caption_and_heads_of_its_columns(kind, papers, pages):
    every = structure(papers[kind])
    tables = [node for node in every if node.S == "/Table"]
    assert len(tables) == pages[kind].xhtml.count("<table>")
    # A table's caption stands in it or beside it, as a picture's does.
    assert len([node for node in every if node.S == "/Caption"]) == len(tables) + pages[kind].xhtml.count("<svg")
    for table in tables:
        heads = [node for node in nodes(table.K) if node.S == "/TH"]
        assert heads and all(node.A[0].Scope == "/Column" for node in heads)


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_has_alternate_text(kind, papers, pages):
    figures = [node for node in structure(papers[kind]) if node.S == "/Figure"]
    assert len(figures) == pages[kind].xhtml.count("<svg")
    assert all(len(str(node.Alt)) > 20 for node in figures)


@pytest.mark.parametrize("kind", KINDS)
def test_every_font_is_embedded(kind, papers):
    fonts = [font for page in papers[kind].pages for font in page.Resources.get("/Font", {}).values()]
    assert fonts
    for font in fonts:
        descriptor = font.DescendantFonts[0].FontDescriptor
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor


def test_bulletins_have_the_length_they_should(papers):
    pages = {kind: len(pdf.pages) for kind, pdf in papers.items()}
    assert all(9 <= pages[kind] <= 13 for kind in ("national", "national.en"))
    assert all(4 <= pages[kind] <= 6 for kind in ("provincial", "provincial.en"))
    assert {pages[kind] for kind in KINDS if kind.startswith("county")} == {1}


def text_of(pdf, page, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine")
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf)
    command = ["pdftotext", "-layout", "-f", str(page), "-l", str(page), str(path), "-"]
    found = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")  # noqa: S603
    return found.translate(dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u061c\f")))


def test_text_that_is_copied_from_the_paper_can_be_read(pages, tmp_path):
    text = text_of(pages["national"].pdf, 1, tmp_path)
    for word in ("بولتن پایش اشتغال کشور", "نرخ صحت", "نظارت", "مغایرت", "انتشار بعدی", "تخلف"):
        assert word in text
    assert "\u200c" in text


@pytest.mark.parametrize("kind", ["national", "provincial", "agency", "methods", *ENGLISH_KINDS])
def test_no_page_ends_with_a_heading_or_the_head_of_a_table(kind, pages, papers, tmp_path):
    for number in range(1, len(papers[kind].pages) + 1):
        lines = [line.strip() for line in text_of(pages[kind].pdf, number, tmp_path).splitlines() if line.strip()]
        # The foot is one line; a caption needs its head and a row below it, a section something to say.
        body = [line for line in lines if not re.search(FOOT[language_of(kind)], line)]
        late = [line for line in body[-3:] if re.match(TABLE[language_of(kind)], line)]
        assert late == [], f"page {number}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_sheet_of_paper_says_that_the_data_are_made_up(kind, pages, papers, tmp_path):
    for number in range(1, len(papers[kind].pages) + 1):
        assert MADE_UP[language_of(kind)] in text_of(pages[kind].pdf, number, tmp_path)


def pictures(xhtml, notice, wanted):
    compiler = typst.Compiler(
        str(rendering.TEMPLATES / "print.typ"), root=str(rendering.TEMPLATES), font_paths=rendering._print_fonts(),
        ignore_system_fonts=True,
    )  # fmt: skip
    inputs = {"page": xhtml, "notice": notice, "year": str(DAY.year), "month": str(DAY.month)}
    found = compiler.compile(format="png", ppi=40, sys_inputs=inputs | {"day": str(DAY.day)})
    sheets = found if isinstance(found, list) else [found]
    return {page: Image.open(io.BytesIO(sheets[page - 1])).convert("L") for page in wanted}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_page_looks_like_the_approved_one(kind, pages):
    for page, found in pictures(
        pages[kind].xhtml, translations(language_of(kind)).gettext(rendering.REHEARSAL_NOTICE), PICTURES[kind]
    ).items():
        with Image.open(GOLDEN / f"{kind}-{page}.png") as approved:
            assert found.size == approved.size
            differences = ImageChops.difference(found, approved.convert("L")).histogram()
        assert sum(differences[32:]) / sum(differences) <= MOST_DIFFERENT_SHARE, f"page {page}"


def test_wherever_a_page_ends_a_table_keeps_its_caption_head_and_first_row(tmp_path):
    row = '<tr><th scope="row">ردیف</th><td class="number">۱</td></tr>'
    head = '<thead><tr><th scope="col">سرستون</th><th scope="col">رقم</th></tr></thead>'
    table = f"<table><caption>جدول ۱. شمارش</caption>{head}<tbody>{row * 12}</tbody></table>"
    opening = '<html xmlns="http://www.w3.org/1999/xhtml" lang="fa" dir="rtl"><body class="nation"><h1>پایش</h1>'
    parted = 0
    for lines in range(28, 44):
        page = f"{opening}{'<p>متن</p>' * lines}<h2>بخش</h2>{table}</body></html>"
        pdf = rendering.print_pdf(page, "", DAY)
        first, second = (text_of(pdf, number, tmp_path) for number in (1, 2))
        parted += "ردیف" in first and "ردیف" in second
        # Heading, caption, head and a row stand together, on whichever page; a head is repeated above what goes on.
        assert len({word in first for word in ("بخش", "شمارش", "سرستون", "ردیف")}) == 1, f"{lines} lines before"
        assert "ردیف" not in second or "سرستون" in second
    assert parted >= 3


def test_wherever_a_page_ends_the_name_of_a_group_keeps_a_row_and_is_repeated(tmp_path):
    group = '<tr class="group"><th scope="rowgroup" colspan="2">گروه</th></tr>'
    row = '<tr><th scope="row">ردیف</th><td class="number">۱</td></tr>'
    head = '<thead><tr><th scope="col">سرستون</th><th scope="col">رقم</th></tr></thead>'
    table = f"<table><caption>جدول ۱. شمارش</caption>{head}<tbody>{(group + row * 3) * 12}</tbody></table>"
    opening = '<html xmlns="http://www.w3.org/1999/xhtml" lang="fa" dir="rtl"><body class="nation"><h1>پایش</h1>'
    cut = set()
    for lines in range(8):
        pdf = rendering.print_pdf(f"{opening}{'<p>متن</p>' * lines}{table}</body></html>", "", DAY)
        sheets = [
            [word for word in re.findall("سرستون|گروه|ردیف", text_of(pdf, number, tmp_path))] for number in (1, 2)
        ]
        assert [sheet[-1] for sheet in sheets] == ["ردیف", "ردیف"]
        assert sheets[1][:3] == ["سرستون", "گروه", "ردیف"]
        cut.add(sheets[0][::-1].index("گروه"))
    # Pages ended after a whole group and inside one.
    assert cut >= {1, 3}
