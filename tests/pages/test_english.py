"""English pages: every message translated or nothing printed, no Persian but proper names, and the same figures."""

import gettext
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter

import pandas as pd
import pytest
from babel.messages import Catalog, frontend, pofile
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from invented_edition import AGENCIES, DAY, PERIOD, Store
from page_kinds import ENGLISH_KINDS, contexts_of, xhtml_of

from methods.errors import TranslationMissing
from tasks import printing, translation
from tasks.edges import language, rendering, warehouse
from tasks.edges.edition import EditionFolder, Figures
from tasks.edges.settings import ROOT

XHTML = "{http://www.w3.org/1999/xhtml}"
PERSIAN = re.compile("[\u0600-\u06ff]")
TEMPLATES = ("base", "macros", "charts", "parts", "national", "provincial")
TO_LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹٬٫٪", "0123456789,.%", "\u061c\u200c\u200e\u200f")
CHANGE = {
    "indicator": "accuracy_rate", "before": 0.70, "after": 0.7605, "change": 0.06051, "lower": 0.02, "upper": 0.10,
    "direction": "more", "against_year": 1402, "against_phase": 2, "composition_part": 0.01049, "rate_part": 0.04951,
}  # fmt: skip


@pytest.fixture(scope="module")
def catalogue():
    with (ROOT / language.CATALOGUE.format("en")).open("rb") as file:
        return pofile.read_po(file, locale="en", abort_invalid=True)


@pytest.fixture(scope="module")
def extracted():
    """All messages of templates, Python and definitions, as `make messages` extracts them."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = frontend.parse_mapping_cfg(file)
    found = Catalog()
    for folder in ("report_templates", "tasks", "reference", "guidelines"):
        own = [
            (pattern.removeprefix(f"{folder}/"), method) for pattern, method in methods if pattern.startswith(folder)
        ]
        told = {pattern.removeprefix(f"{folder}/"): value for pattern, value in options.items()}
        for name, line, message, _, context in extract_from_dir(
            ROOT / folder, own, told, {**DEFAULT_KEYWORDS, "N_": None}
        ):
            found.add(message, locations=[(f"{folder}/{name}", line)], context=context)
    return found


def keys(catalogue):
    return {(message.context, message.id) for message in catalogue if message.id}


def test_every_message_is_translated_and_none_is_left_over(catalogue, extracted):
    assert len(keys(extracted)) > 300
    assert keys(extracted) - keys(catalogue) == set(), "run `make messages`, then translate"
    assert keys(catalogue) - keys(extracted) == set(), "run `make messages`: nobody says these any more"
    assert not catalogue.obsolete
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not message.id or all(form.strip() or form == " " for form in forms), message.id


def names_in(text):
    return Counter(re.findall(r"%\(\w+\)s|\{\w+\}", text))


def test_a_translation_has_the_same_placeholders_each_once_for_once(catalogue):
    for message in catalogue:
        if not message.id:
            continue
        ids, forms = (one if isinstance(one, tuple) else (one,) for one in (message.id, message.string))
        for form in forms:
            assert names_in(form) == names_in(ids[0]), message.id
            # A lone per cent sign would end the printing.
            form % {name: "" for name in re.findall(r"%\((\w+)\)s", form)}
            assert not PERSIAN.search(form)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_of_two_languages_says_nothing_past_the_catalogue(name):
    text = (ROOT / "report_templates" / f"{name}.html.j2").read_text(encoding="utf-8")
    text = re.sub(r"{#.*?#}", "", text, flags=re.DOTALL)
    text = re.sub(r"{% trans\b.*?{% endtrans %}", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(?:p?gettext|_)\("[^"]*"(?:, "[^"]*")?', "", text)
    # The link to the original is in the language of the original.
    text = text.replace(' dir="rtl">متن فارسی</a>', "")
    assert [line for line in text.splitlines() if PERSIAN.search(line)] == []


def own_names(store):
    names = set(store.units.query("level == 'county'")["name_fa"]) | set(store.names.values())
    return sorted(names | {"خوزستان", "مرکزی", "متن فارسی"}, key=len, reverse=True)


def visible_persian(page, names):
    """Persian left on a page, in text or in what is read aloud, once proper names are taken away."""
    body = ElementTree.fromstring(page)
    said = ["".join(node.itertext()) for node in body.iter() if node.tag in (f"{XHTML}body", f"{XHTML}title")]
    said += [value for node in body.iter() for value in node.attrib.values()]
    text = "\n".join(said)
    for name in names:
        text = text.replace(name, "")
    return [line for line in text.splitlines() if PERSIAN.search(line)]


@pytest.mark.parametrize("kind", ENGLISH_KINDS)
def test_no_persian_letter_is_left_but_those_of_proper_names(kind, pages, store):
    assert visible_persian(pages[kind].xhtml, own_names(store)) == []
    root = ElementTree.fromstring(pages[kind].xhtml)
    charts = {node for chart in root.iter(f"{XHTML}svg") for node in chart.iter()}
    for node in root.iter():
        if node.text and PERSIAN.search(node.text) and node not in charts:
            assert (node.get("lang"), node.get("dir")) == ("fa", "rtl"), node.text


def without(figures, indicators):
    """The same figures with all of these indicators confidential."""
    rows = [dict(zip(("indicator", "basis", "unit_code", "domain"), key, strict=True)) | vars(figure)
            for key, figure in figures._figures.items()]  # fmt: skip
    frame = pd.DataFrame(rows)
    hidden = frame["is_suppressed"].astype(bool) | frame["indicator"].isin(indicators)
    return Figures(frame.assign(is_suppressed=hidden), figures._unit_code)


def rare(contexts, kind):
    """The same bulletin where much has to be said that is not said every year."""
    reasons = {"reason": "-", "reason_codes": ["data", "method", "error"]}
    base = contexts[kind]
    told = base | {
        "changes": [CHANGE | {"direction": one} for one in ("more", "less", "no_clear_change", "undefined")],
        "revisions": [{"indicator": "accuracy_rate", "before": 0.75, "after": 0.7622} | reasons],
        "error_sources": [{"code": one, "estimate": 0.76, "lower": 0.75, "upper": 0.77}
                          for one in ("raw", "adjusted", "corrected")],
        "edition": base["edition"] | {"kind": "revised", "number": 2},
    }  # fmt: skip
    unmet = base | {"figures": without(base["figures"], ["non_contact_plan_count"])}
    hidden = base | {
        "figures": without(base["figures"], ["accuracy_rate", "decided_plan_count", "non_contact_plan_count"]),
        "progress": [],
        "contrasts": dict.fromkeys(base["contrasts"], "higher"),
    }
    return [told, hidden, unmet, told | {"edition": base["edition"] | {"kind": "final"}, "not_covered": []}]


def variants(contexts):
    found = [(kind, one) for kind in ENGLISH_KINDS for one in rare(contexts, kind)]
    nation, province = contexts["national.en"], contexts["provincial.en"]
    found += [
        ("national.en", nation | {"best_agency": {"word": "best", "codes": ["P01"]},
                                  "best": {"word": "best", "codes": ["06"]}, "deliveries": [],
                                  "empty_provinces": nation["provinces"][:2]}),
        ("national.en", nation | {"unscored": nation["not_covered"]}),
        ("national.en", nation | {"standings": dict.fromkeys(nation["standings"], "no_clear_difference")}),
        ("national.en", nation | {"funnel": nation["funnel"] | {"points": [
            point | {"place": place} for point, place in zip(nation["funnel"]["points"] * 2, (
                "within", "above_inner", "above_outer", "below_inner", "below_outer", "unknown"), strict=False)]}}),
        ("provincial.en", province | {"is_covered": False}),
        *(("provincial.en", province | {"standing": one, "standings": dict.fromkeys(province["standings"], one)})
          for one in ("higher", "lower", "unknown")),
    ]  # fmt: skip
    for state in ("undecided", "empty"):
        of_state = contexts_of(Store(**{state: True}))
        found += [(kind, of_state[kind]) for kind in ENGLISH_KINDS]
    return found


def test_whatever_has_to_be_said_is_said_in_english(contexts, store):
    for kind, context in variants(contexts):
        assert visible_persian(xhtml_of(kind, context), own_names(store)) == []


def numbers(page):
    """The number cells of each table, whatever the order of its rows."""
    tables = ElementTree.fromstring(page).iter(f"{XHTML}table")
    cells = [
        Counter(
            "".join(cell.itertext()).strip().translate(TO_LATIN).replace(" تا ", " to ")
            for cell in table.iter(f"{XHTML}td")
            if cell.get("class") == "number"
        )
        for table in tables
    ]
    assert sum(map(len, cells)) > 50
    return cells


@pytest.mark.parametrize("kind", ENGLISH_KINDS)
def test_tables_hold_the_same_numbers_in_both_languages(kind, pages):
    assert numbers(pages[kind].xhtml) == numbers(pages[kind.removesuffix(".en")].xhtml)


@pytest.mark.parametrize("kind", ENGLISH_KINDS)
def test_charts_draw_the_same_points(kind, pages):
    def drawn(page):
        marks = Counter()
        for chart in ElementTree.fromstring(page).iter(f"{XHTML}svg"):
            for node in chart.iter():
                # Widths are kept where a chart is turned over.
                marks[node.tag, node.get("class"), node.get("width"), node.get("r")] += node.tag != f"{XHTML}text"
        return marks

    assert drawn(pages[kind].xhtml) == drawn(pages[kind.removesuffix(".en")].xhtml)


@pytest.mark.parametrize("kind", ENGLISH_KINDS)
def test_digits_are_latin_and_dates_of_both_calendars(kind, pages):
    text = re.sub(r"\s+", " ", "".join(ElementTree.fromstring(pages[kind].xhtml).itertext()))
    assert not re.search("[۰-۹٠-٩]|[٪٫٬،؛\u061c\u200f]", pages[kind].xhtml)
    for wanted in (
        "Iranian year 1403 (2024/25), phase 1", "provisional edition", "23 October 2026 (1 Aban 1405)",
        "22 November 2026 (1 Azar 1405)", "The data in this bulletin are made up", "not fraud", "Cite as:",
        "Secretariat of the National Employment Monitoring Programme", "This is a translation",
    ):  # fmt: skip
        assert wanted in text


def test_both_languages_lead_to_each_other(pages):
    for kind, stem in (("national", "national-1403-1"), ("provincial", "province-06-1403-1")):
        for one in (kind, f"{kind}.en"):
            links = ElementTree.fromstring(pages[one].xhtml).iter(f"{XHTML}link")
            assert {link.get("hreflang"): link.get("href") for link in links} == {
                "fa": f"{stem}.html", "en": f"{stem}.en.html",
            }  # fmt: skip
        assert f'<a href="{stem}.html" hreflang="fa" lang="fa" dir="rtl">' in pages[f"{kind}.en"].xhtml
    assert "hreflang" not in pages["county"].xhtml


def test_places_and_agencies_have_the_names_their_sources_give_them(pages, contexts):
    national, provincial = pages["national.en"].xhtml, pages["provincial.en"].xhtml
    names = [unit["name"] for unit in translation.put(contexts["national.en"], "en")["provinces"]]
    assert names == sorted(names) and {"Khuzestan", "Kohgiluyeh and Boyer Ahmad"} < set(names)
    assert "Demonstration Agency 1" in national and AGENCIES["P01"] not in national
    # A county has no English name in any source, and none is made up.
    assert '0601 (<bdi lang="fa" dir="rtl">' in provincial


def test_an_agency_without_an_english_name_is_named_by_code_and_in_persian(contexts):
    cards = [card | {"agency_name_en": ""} for card in contexts["national.en"]["agencies"]]
    page = xhtml_of("national.en", contexts["national.en"] | {"agencies": cards})
    assert f'P01 (<bdi lang="fa" dir="rtl">{AGENCIES["P01"]}</bdi>)' in page


def test_counting_messages_have_two_forms():
    english = language.translations("en")
    message = (
        "تا رسیدن متن رسمی، %(values)s مقدار شیوه‌نامه فرض شده است؛ هر یک با مقدار خود در گزارش روش و کیفیت آمده است."
    )
    one, several = (english.ngettext(message, message, count) for count in (1, 2))
    assert "value of the guidelines is" in one and "values of the guidelines are" in several


@pytest.fixture
def lacking(monkeypatch):
    """A catalogue that lacks a message of the national bulletin."""
    whole = language.translations("en")
    some = {key: forms for key, forms in whole._messages.items() if key[1] != "قوت‌ها و محدودیت‌ها"}
    catalogues = {"fa": gettext.NullTranslations(), "en": language.Catalogue("en", some)}
    rendering._environment.cache_clear()
    monkeypatch.setattr(rendering, "translations", catalogues.get)
    yield
    rendering._environment.cache_clear()


def test_a_missing_translation_stops_the_printing_and_is_named(lacking, monkeypatch, tmp_path):
    monkeypatch.setenv("PAYESH_HOME", str(tmp_path))
    store = Store()
    monkeypatch.setattr(warehouse, "read", store.read)
    monkeypatch.setattr(warehouse, "read_in_parts", store.read_in_parts)
    printing.begin_edition.fn(PERIOD, DAY)
    with pytest.raises(TranslationMissing, match=r"payesh\.po: found no translation of «قوت‌ها و محدودیت‌ها»"):
        printing.print_nation.fn(PERIOD, DAY)
    assert not EditionFolder(PERIOD, DAY).shown.exists()


def test_a_fuzzy_translation_is_none(monkeypatch, tmp_path):
    path = tmp_path / language.CATALOGUE.format("en")
    path.parent.mkdir(parents=True)
    path.write_text('#, fuzzy\nmsgid "نرخ"\nmsgstr "Rate"\n\nmsgid "وزن"\nmsgstr "Weight"\n', encoding="utf-8")
    monkeypatch.setattr(language, "ROOT", tmp_path)
    english = language.translations.__wrapped__("en")
    assert english.gettext("وزن") == "Weight"
    with pytest.raises(TranslationMissing, match="«نرخ»"):
        english.gettext("نرخ")


def test_an_environment_is_made_once_a_language(contexts):
    rendering._environment.cache_clear()
    for kind in ("national", "national.en", "provincial.en", "provincial", "county"):
        xhtml_of(kind, contexts[kind])
    assert rendering._environment.cache_info().misses == 2


def test_english_uses_what_persian_read(store):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "read", store.read)
        context = printing.Edition(PERIOD, DAY).provincial("06")
        store.asked.clear()
        said = translation.put(context, "en")
    assert store.asked == []
    assert said["figures"] is context["figures"] and said["standings"] is context["standings"]


def test_a_revision_is_explained_in_english(contexts):
    page = xhtml_of("national.en", rare(contexts, "national.en")[0])
    assert "new data and method or guideline and an error in the previous edition" in page
    assert re.findall(r"<li>(Accuracy rate: [^<]*)", page) == [
        "Accuracy rate: has risen.", "Accuracy rate: has fallen.",
        "Accuracy rate: no clear change, the difference is within sampling error.",
        "Accuracy rate: cannot be compared with that phase.",
    ]  # fmt: skip
