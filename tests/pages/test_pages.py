"""Pages as their readers meet them: honest about what is made up, withheld and unclear; numbers from one place."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jinja2
import pandas as pd
import pytest
from invented_edition import DAY, PERIOD, STRONG_COUNTY, Store
from page_kinds import ENGLISH_KINDS, KINDS, PERSIAN_KINDS, TEMPLATES, contexts_of, language_of, xhtml_of

from methods import persian
from methods.errors import FigureMissing
from tasks import statement, translation
from tasks.bulletin import Edition
from tasks.edges import rendering, warehouse
from tasks.edges.edition import Figure, Figures

GOLDEN = Path(__file__).parents[1] / "golden"
XHTML = "{http://www.w3.org/1999/xhtml}"
OPEN_DATA = ("figures.csv", "figures.json", "figures.parquet", "figures.sdmx.csv", "datapackage.json")
LONG_NAME = ("سازمان بسیار بلندنام " * 6)[:120]


def visible(xhtml):
    body = ElementTree.fromstring(xhtml).find(f"{XHTML}body")
    return re.sub(r"\s*\n\s*", "\n", "\n".join(text.strip() for text in body.itertext() if text.strip()))


def plain(xhtml):
    """Text as it reads, marks of direction left out."""
    body = ElementTree.fromstring(xhtml).find(f"{XHTML}body")
    return re.sub(r"\s+", " ", "".join(body.itertext())).translate(dict.fromkeys(map(ord, "\u061c\u200e\u200f")))


def rows_of(xhtml, caption):
    for table in ElementTree.fromstring(xhtml).iter(f"{XHTML}table"):
        if caption in "".join(table.find(f"{XHTML}caption").itertext()):
            return [[plain_text(cell) for cell in row] for row in table.iter(f"{XHTML}tr")]
    raise AssertionError(f"no table {caption}")


def plain_text(node):
    return re.sub(r"\s+", " ", "".join(node.itertext())).replace("\u061c", "").strip()


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_a_page_is_the_approved_one(kind, pages):
    golden = GOLDEN / f"{kind}.txt"
    assert visible(pages[kind].xhtml) + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_runs_as_its_language_does_and_is_whole(kind, pages, contexts):
    root = ElementTree.fromstring(pages[kind].xhtml)
    assert (root.get("lang"), root.get("dir")) == (("en", "ltr") if kind in ENGLISH_KINDS else ("fa", "rtl"))
    html = pages[kind].html.decode("utf-8")
    assert "font/woff2;base64," in html
    assert " src=" not in html
    # It needs no other file; it names the same page in the other language, and the files beside it.
    bare = re.sub(r'<(?:link|a) [^>]*hreflang="[^>]*>', "", html)
    assert "<link" not in bare
    beside = set(re.findall(r'href="([^#"]+)"', bare))
    assert beside == {f"data/{name}" for name in OPEN_DATA} | ({annex} if (annex := contexts[kind]["annex"]) else set())


def test_the_note_on_a_revised_edition_says_what_changed_by_how_much_and_why(pages):
    page = pages["revision"].xhtml
    assert "سبب بازنگری: دادهٔ تازه" in plain(page)
    assert rows_of(page, "به تفکیک سطح")[1:] == [["کشور", "۳"], ["شهرستان", "۱"]]
    rows = {row[0]: row[2:] for row in rows_of(page, "پیش و اکنون")}
    assert rows["نرخ صحت"] == ["۸۱٫۰۰٪", "۷۹٫۰۰٪", "−۲٫۰۰ واحد درصد"]
    assert rows["طرح‌های دارای حکم"] == ["۴٬۸۰۰", "۴٬۸۲۴", "+۰٫۵۰ درصد"]
    # What the edition before did not print is not told now.
    assert rows["تسهیلات طرح‌های دارای انحراف"] == ["[x]", "۳۲۵٫۰ میلیارد ریال", "—"]


def test_each_bulletin_names_its_own_workbook(contexts):
    names = {kind: context["annex"] for kind, context in contexts.items()}
    assert names["national"] == "national-1403-1.xlsx"
    assert names["provincial"] == "province-06-1403-1.xlsx"
    assert names["county"] == f"county-{STRONG_COUNTY}-1403-1.xlsx"
    assert names["agency"] == "agency-P02-1403-1.xlsx"
    assert names["methods"] is None


@pytest.mark.parametrize("kind", [one for one in PERSIAN_KINDS if one != "revision"])
def test_every_page_says_what_names_it(kind, pages):
    text = plain(pages[kind].xhtml)
    for wanted in (
        "سال ۱۴۰۳، دورهٔ ۱", "ویرایش موقت", "۱ آبان ۱۴۰۵ (2026-10-23)", "۱ آذر ۱۴۰۵ (2026-11-22)", "دبیرخانهٔ طرح پایش",
        "داده‌های این بولتن ساختگی است", "شیوهٔ ارجاع", "/1403/1/2026-10-23/",
    ):  # fmt: skip
        assert wanted in text


@pytest.mark.parametrize("kind", [one for one in PERSIAN_KINDS if one not in ("county-empty", "agency-absent")])
def test_every_page_with_a_rate_says_that_it_measures_data_and_not_fraud(kind, pages):
    assert "درستی داده‌های ثبت‌شده را می‌سنجند، نه تقلب را" in plain(pages[kind].xhtml)


@pytest.mark.parametrize("kind", KINDS)
def test_main_points_are_six_at_most(kind, pages):
    points = [
        node for node in ElementTree.fromstring(pages[kind].xhtml).iter(f"{XHTML}ul") if node.get("class") == "points"
    ]
    assert all(len(list(one)) <= 6 for one in points)


@pytest.mark.parametrize("kind", PERSIAN_KINDS)
def test_a_text_has_digits_of_one_script(kind, pages):
    text = visible(pages[kind].xhtml)
    assert not re.search("[٠-٩]", text)
    # Names of machines (dates, address, version, licence, hashes, marks) are Latin by design.
    text = re.sub(r"[A-Za-z0-9./+-]*[A-Za-z/-][A-Za-z0-9./+-]*( [0-9.]+)?", "", text)
    left = set(re.findall(r"[0-9]+", text))
    # A budget note has a number for its code.
    assert left <= {"15"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_mark_that_is_used_is_explained_on_the_page(kind, pages):
    root = ElementTree.fromstring(pages[kind].xhtml)
    explained = {
        plain_text(term)
        for one in root.iter(f"{XHTML}dl") if one.get("class") == "marks"
        for term in one.iter(f"{XHTML}dt")
    }  # fmt: skip
    used = set(re.findall(r"\[[uczxpr]\]", plain(pages[kind].xhtml)))
    assert used == explained


@pytest.mark.parametrize("kind", PERSIAN_KINDS)
def test_half_spaces_are_kept_and_none_is_doubled(kind, pages):
    text = visible(pages[kind].xhtml)
    assert "می‌" in text or "طرح‌ها" in text
    assert "\u200c\u200c" not in text
    assert not re.search(r"\u200c[\s.،؛:]|\s\u200c", text)


def test_the_two_rates_stand_on_page_one_with_parts_and_interval(pages, contexts):
    figures, text = contexts["national"]["figures"], plain(pages["national"].xhtml)
    for code in ("crude_confirmation_rate", "accuracy_rate"):
        counted, estimated = figures.get(code), figures.get(code, "estimated")
        assert f"{persian.number(counted.numerator)} طرح تأییدشده از {persian.number(counted.denominator)}" in text
        assert f"{persian.percent(estimated.lower)} تا {persian.percent(estimated.upper)}" in text


def test_text_table_and_chart_say_the_same_number(pages, contexts):
    figures = contexts["national"]["figures"]
    page = pages["national"].xhtml
    for unit in contexts["national"]["provinces"]:
        wanted = persian.percent(figures.get("accuracy_rate", "estimated", unit=unit["code"]).estimate, 1)
        (row,) = [one for one in rows_of(page, "رتبه‌های ممکن") if one[0] == unit["name"]]
        assert row[1] == wanted
        (chart,) = [one for one in ElementTree.fromstring(page).iter(f"{XHTML}svg") if "نقشه" in one.get("aria-label")]
        assert f"{unit['name']} {wanted}" in chart.get("aria-label").replace("\u061c", "")
        assert wanted in "".join(chart.itertext()).replace("\u061c", "")


def test_counts_of_provinces_add_up_as_printed(pages):
    def number(text):
        return int(text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789", "٬")))

    _, *rows, total = rows_of(pages["national"].xhtml, "شمارش طرح‌های بازدیدشده")
    for column in range(1, 5):
        assert sum(number(row[column]) for row in rows) == number(total[column])


def test_a_province_is_called_higher_only_where_the_test_says_so(pages, contexts):
    page, standings = pages["national"].xhtml, contexts["national"]["standings"]
    words = {"higher": "بیشتر", "lower": "کمتر", "no_clear_difference": "بی تفاوت روشن", "unknown": "—"}
    names = {unit["name"]: unit["code"] for unit in contexts["national"]["provinces"]}
    for row in rows_of(page, "رتبه‌های ممکن")[1:]:
        assert row[-1] == words[standings[names[row[0]]]]
    assert {"higher", "no_clear_difference"} <= set(standings.values())


def test_of_several_that_may_be_best_none_is_called_best(pages, contexts):
    best = contexts["national"]["best_agency"]
    text = plain(pages["national"].xhtml)
    if best["word"] == "among_best":
        assert "هیچ‌یک را نمی‌توان بهترین خواند" in text
    given = dict(contexts["national"], best_agency={"word": "best", "codes": ["P03"]})
    assert "بیشترین نرخ صحت از آنِ دستگاه نمایشی ۳ است" in plain(xhtml_of("national", given))


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("county-empty", "هیچ طرح مشمولی نیست؛ پس هیچ رقمی چاپ نمی‌شود"),
        ("county-unvisited", "هنوز نظارت نشده است؛ پس هیچ نرخی چاپ نمی‌شود"),
        ("county-undecided", "هنوز حکمی ندارد؛ پس هیچ نرخی چاپ نمی‌شود"),
        ("agency-absent", "هیچ طرحی در چارچوب این ویرایش نیست"),
    ],
)
def test_where_nothing_may_be_printed_the_page_says_why(kind, reason, pages):
    assert reason in plain(pages[kind].xhtml)


def test_a_weak_rate_is_withheld_with_its_mark_and_a_reason(contexts):
    weak = contexts["county"]["figures"].get("accuracy_rate", "estimated")
    rows = pd.DataFrame(
        [
            {"indicator": key[0], "basis": key[1], "unit_code": key[2], "domain": key[3]} | vars(figure)
            | ({"quality": "withheld"} if figure is weak else {})
            for key, figure in contexts["county"]["figures"]._figures.items()
        ]
    )  # fmt: skip
    given = dict(contexts["county"], figures=Figures(rows, STRONG_COUNTY), reason="too_weak", standing="unknown")
    page = xhtml_of("county", given)
    assert "نمونهٔ این شهرستان برای نرخی که بتوان بر آن تکیه کرد کم است" in plain(page)
    row = next(row for row in rows_of(page, "دو نرخ") if row[0] == "نرخ صحت شهرستان")
    assert row[1:] == ["[u]", "[u]", "[u]", "—"]


def test_a_county_may_be_told_by_the_model(contexts):
    modelled = {STRONG_COUNTY: {"estimate": 0.71, "lower": 0.68, "upper": 0.74}}
    page = xhtml_of("county", dict(contexts["county"], small_areas=modelled))
    row = next(row for row in rows_of(page, "دو نرخ") if "مدلی" in row[0])
    assert row[1:] == ["[z]", "[z]", "۷۱٫۰٪", "۶۸٫۰٪ تا ۷۴٫۰٪"]
    assert "به کمک مدل" in plain(page)
    assert "مدلی" not in plain(xhtml_of("county", contexts["county"]))


def confidential(figures, *keys):
    """The same figures, some of them withheld."""
    rows = pd.DataFrame(
        [
            {"indicator": key[0], "basis": key[1], "unit_code": key[2], "domain": key[3]} | vars(figure)
            | ({"is_suppressed": True} if key in keys else {})
            for key, figure in figures._figures.items()
        ]
    )  # fmt: skip
    return Figures(rows, "IR")


def test_a_count_of_one_or_two_is_never_printed_nor_drawn(contexts):
    keys = [
        (f"{name}_{what}", basis, "IR", "all")
        for name in ("violation", "deviation")
        for what in ("plan_count", "rate")
        for basis in ("counted", "estimated")
    ]
    figures = confidential(contexts["national"]["figures"], *keys)
    assert figures.get("violation_plan_count").estimate is None
    page = xhtml_of("national", dict(contexts["national"], figures=figures))
    chart = next(one for one in ElementTree.fromstring(page).iter(f"{XHTML}svg") if "جریان" in one.get("aria-label"))
    assert "".join(chart.itertext()).count("[c]") == 2
    # One bar stands for all that was not confirmed: its parts would show the hidden count by their width.
    assert not [
        one for one in chart if one.get("class") in ("c-mid", "c-low", "c-deep") and float(one.get("width")) != 11
    ]
    rates = {row[0]: row for row in rows_of(page, "شمار طرح و سهم")}
    assert rates["تخلف"][1:] == ["[c]", "[c]", "—", "[c]", "—"]


@pytest.mark.parametrize(
    ("given", "mark"),
    [
        ({"quality": "withheld"}, "u"), ({"is_suppressed": True}, "c"), ({"quality": "undefined"}, "z"),
        ({"estimate": None}, "z"), ({"quality": "withheld", "is_suppressed": True}, "c"), ({}, None),
    ],
)  # fmt: skip
def test_a_figure_knows_its_mark(given, mark):
    base = {"estimate": 0.5, "numerator": 1.0, "denominator": 2.0, "n": 2, "standard_error": 0.1, "lower": 0.4}
    base |= {"upper": 0.6, "quality": "A", "method": "m"}
    assert Figure(**(base | given)).mark == mark


def test_visits_that_would_give_away_how_few_were_not_met_are_not_printed(contexts):
    counts = {"issued_plan_count": 9, "assigned_plan_count": 9, "attempted_plan_count": 8, "decided_plan_count": 2}
    rows = pd.DataFrame({"unit_code": ["06", "13", "XX"], "visited_plan_count": [360, 378, 1]}).assign(**counts)
    figures = confidential(
        contexts["national"]["figures"],
        ("pending_plan_count", "counted", "13", "all"), ("decided_plan_count", "counted", "06", "all"),
        ("issued_plan_count", "counted", "06", "all"),
    )  # fmt: skip
    found = statement.printable_progress(rows, figures, rows["unit_code"].tolist())
    assert found["visited_plan_count"].isna().tolist() == [False, True, False]
    assert found["decided_plan_count"].isna().tolist() == [True, False, False]
    assert found["assigned_plan_count"].isna().tolist() == [True, False, False]
    # The firms of a place add up to its count, so none of them tells it.
    assert statement.printable_progress(rows, figures, ["06"] * 3)["issued_plan_count"].isna().all()
    supervised = confidential(contexts["national"]["figures"], ("supervised_plan_count", "counted", "13", "all"))
    found = statement.printable_progress(rows, supervised, rows["unit_code"].tolist())
    assert found["attempted_plan_count"].isna().tolist() == found["visited_plan_count"].isna().tolist()
    assert found["attempted_plan_count"].isna().tolist() == [False, True, False]


def test_a_percentage_reads_one_way_and_a_signed_number_the_other(pages):
    page = pages["national"].xhtml
    # Number, then sign, from the right: an Arabic letter mark on both sides keeps it so in a cell of its own.
    assert re.search("\u061c[۰-۹٫]+٪\u061c", page)
    assert not re.search("[^\u061c]>[۰-۹٫]+٪", page)
    assert re.search(r'<bdi dir="ltr">−۴٫۰</bdi>', page)
    assert re.search(r'<bdi dir="ltr">\+۲٫۰</bdi>', page)


def test_lasting_jobs_are_told_only_where_they_were_measured(pages, contexts):
    rows = rows_of(pages["national"].xhtml, "ماندگاری شغل")
    assert [row[0] for row in rows[1:]] == ["۶ ماه", "۱۲ ماه"]
    assert "ماندگاری سنجیده نشده است" in plain(pages["agency"].xhtml)


def test_quality_is_told_by_agency_and_what_was_not_measured_is_marked(pages):
    header, first, *rest = rows_of(pages["national"].xhtml, "کیفیت تحویل‌ها")
    assert header[4:] == ["کامل بودن", "یکتایی", "درستی قالب", "به‌هنگامی", "همخوانی"]
    assert first == ["دستگاه نمایشی ۱", "۱٬۰۰۰", "۱۲", "۱٫۲۰٪", "۹۹٫۹٪", "۹۹٫۱٪", "۹۸٫۸٪", "[x]", "۹۷٫۰٪"]
    assert len(rest) == 3


CHANGE = {
    "indicator": "accuracy_rate", "before": 0.70, "after": 0.76, "change": 0.06, "lower": 0.02, "upper": 0.10,
    "direction": "more", "against_year": 1402, "against_phase": 1, "composition_part": 0.0104, "rate_part": 0.0496,
}  # fmt: skip


@pytest.mark.parametrize(
    ("direction", "sentence"),
    [
        ("more", "نرخ صحت افزایش یافته است"),
        ("less", "نرخ صحت کاهش یافته است"),
        ("no_clear_change", "نرخ صحت تغییر روشنی نکرده است"),
        ("undefined", "نرخ صحت با آن دوره سنجیدنی نیست"),
    ],
)
def test_a_change_is_told_as_its_test_says(direction, sentence, contexts):
    page = xhtml_of("national", dict(contexts["national"], changes=[CHANGE | {"direction": direction}]))
    assert sentence in plain(page)


def test_a_change_carries_its_interval_and_causes_and_a_note_where_rounding_shows(contexts):
    page = xhtml_of("national", dict(contexts["national"], changes=[CHANGE]))
    row = rows_of(page, "تغییر نرخ‌ها")[1]
    assert row == ["نرخ صحت", "۷۰٫۰٪", "۷۶٫۰٪", "+۶٫۰", "+۲٫۰ تا +۱۰٫۰", "+۱٫۰", "+۵٫۰"]
    assert "جمع دو سبب گردشده" not in plain(page)
    uneven = CHANGE | {"composition_part": 0.01049, "rate_part": 0.04951}
    page = xhtml_of("national", dict(contexts["national"], changes=[uneven | {"change": 0.0604}]))
    assert "جمع دو سبب گردشده" not in plain(page)
    page = xhtml_of("national", dict(contexts["national"], changes=[uneven | {"change": 0.06051}]))
    assert "۱ سطر جمع دو سبب گردشده" in plain(page)


def test_revisions_and_other_errors_are_told_where_there_are_any(pages, contexts):
    assert "نخستین ویرایش" in plain(pages["national"].xhtml)
    revised = [{"indicator": "accuracy_rate", "before": 0.75, "after": 0.7622, "reason": "تحویل تازهٔ یک دستگاه"}]
    errors = [{"code": "raw", "estimate": 0.76, "lower": 0.75, "upper": 0.77}]
    page = xhtml_of("national", dict(contexts["national"], revisions=revised, error_sources=errors))
    assert rows_of(page, "دگرگون شده")[1] == ["نرخ صحت", "۷۵٫۰۰٪", "۷۶٫۲۲٪", "تحویل تازهٔ یک دستگاه"]
    assert rows_of(page, "خام، تعدیل‌شده")[1] == ["خام: از طرح‌های دارای حکم", "۷۶٫۰۰٪", "۷۵٫۰۰٪ تا ۷۷٫۰۰٪"]
    assert "نخستین ویرایش" not in plain(page)


def test_a_revised_figure_is_marked(contexts):
    figures = contexts["national"]["figures"]
    key = ("accuracy_rate", "estimated", "06", "all")
    rows = pd.DataFrame(
        [
            {"indicator": one[0], "basis": one[1], "unit_code": one[2], "domain": one[3]} | vars(figure)
            | ({"is_revised": True} if one == key else {})
            for one, figure in figures._figures.items()
        ]
    )  # fmt: skip
    page = xhtml_of("national", dict(contexts["national"], figures=Figures(rows, "IR")))
    (row,) = [row for row in rows_of(page, "رتبه‌های ممکن") if row[0] == "خوزستان"]
    assert row[1].endswith("[r]")
    assert "بازنگری‌شده نسبت به ویرایش پیش" in plain(page)


def test_without_the_columns_of_disclosure_control_nothing_is_suppressed():
    row = {
        "indicator": "a",
        "basis": "counted",
        "unit_code": "IR",
        "domain": "all",
        "estimate": 5.0,
        "quality": "exact",
    }
    row |= dict.fromkeys(("numerator", "denominator", "standard_error", "lower", "upper")) | {"n": 1, "method": "m"}
    assert Figures(pd.DataFrame([row]), "IR").get("a").mark is None


# bad input ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["national", "provincial", "county", "agency"])
def test_a_template_that_names_a_missing_figure_fails_with_its_code(kind, contexts):
    figures = contexts[kind]["figures"]
    left = {key: figure for key, figure in figures._figures.items() if key[0] != "accuracy_rate"}
    with pytest.raises(FigureMissing, match="accuracy_rate"):
        xhtml_of(kind, dict(contexts[kind], figures=figures._with(left, figures._unit_code)))


def test_a_template_that_names_what_nobody_gives_fails(contexts):
    given = {name: value for name, value in contexts["national"].items() if name != "scored"}
    with pytest.raises(jinja2.UndefinedError, match="scored"):
        xhtml_of("national", given)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '=HYPERLINK("x")', "a & b \"c\" 'd'", LONG_NAME])
def test_a_name_is_printed_as_it_is_and_does_nothing(name):
    assert len(LONG_NAME) == 120
    contexts = contexts_of(Store(agency_names={"P02": name}))
    for kind in ("national", "agency"):
        page = xhtml_of(kind, contexts[kind])
        assert "<script" not in page
        assert plain_text(ElementTree.fromstring(page)).count(re.sub(r"\s+", " ", name).strip()) >= 2
        # Typst reads it as text too, not as markup, and it stays on the paper.
        assert rendering.print_pdf(page, "", DAY).startswith(b"%PDF")


def test_a_province_without_plans_says_so_and_stops_nobody(store):
    bare = Store()
    bare.figures = bare.figures[~bare.figures["unit_code"].str.startswith("05")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "read", bare.read)
        edition = Edition(PERIOD, DAY)
        province = edition.provincial("05")
        (page, *sheets) = [
            xhtml_of("provincial", province),
            *(xhtml_of("county", edition.county(province, unit["code"])) for unit in province["counties"]),
            xhtml_of("national", edition.national()),
        ]
    assert "در این استان هیچ طرح مشمولی نیست" in plain(page)
    assert all("هیچ طرح مشمولی نیست" in plain(sheet) for sheet in sheets)
    assert "در این استان‌ها هیچ طرح مشمولی نیست: کرمانشاه" in plain(sheets[-1])


@pytest.mark.parametrize("state", ["undecided", "empty"])
def test_a_year_with_nothing_decided_has_pages_and_no_rates(state):
    contexts = contexts_of(Store(**{state: True}))
    for kind, context in contexts.items():
        page = xhtml_of(kind, context)
        assert not re.search(r"\bnan\b", page, re.IGNORECASE)
        rendering.print_pdf(page, "", DAY)
    text = plain(xhtml_of("national", contexts["national"]))
    assert "هنوز هیچ دستگاهی حکمی ندارد" in text
    # 0 of 0 has no value: neither 0 nor 100 per cent.
    assert contexts["national"]["figures"].get("accuracy_rate").mark == "z"
    assert re.search(r"نرخ صحت \[z\]", text)


def test_real_data_are_not_called_made_up():
    contexts = contexts_of(Store(rehearsal=False))
    for kind, context in contexts.items():
        page = xhtml_of(kind, context)
        # Names of the rehearsal's own agencies aside.
        assert "ساختگی" not in page


def test_an_edition_reads_its_figures_once(store):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "read", store.read)
        store.asked.clear()
        edition = Edition(PERIOD, DAY)
        province = edition.provincial("06")
        for unit in province["counties"]:
            edition.county(province, unit["code"])
    # The province's own, and the nation's to compare with; none a county.
    assert store.asked.count("bulletin/figure.sql") == 2
    assert max(store.asked.count(file) for file in store.asked if file != "bulletin/figure.sql") == 1


@pytest.mark.parametrize("kind", ["national", "county", "national.en"])
def test_the_same_figures_give_the_same_bytes(kind, contexts, pages):
    said, language = translation.put(contexts[kind], language_of(kind)), language_of(kind)
    again = rendering.render(f"{TEMPLATES[kind]}.html.j2", said, translation.FILTERS[language], DAY, language)
    assert again == (pages[kind].html, pages[kind].pdf)


def test_pages_are_small_enough_to_send(pages):
    assert max(len(pages[kind].html) for kind in ("national", *ENGLISH_KINDS)) <= 1_000_000
    assert max(len(pages[kind].html) for kind in KINDS if kind.startswith("county")) <= 200_000
