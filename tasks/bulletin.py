"""Bulletin stage: figures are frozen as printed, and put together with all that a bulletin says beside them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import calendar, decision, estimate, persian, wording
from methods.errors import FigureMissing
from methods.period import Period
from tasks import statement
from tasks.edges import definitions, law, register, sources, warehouse
from tasks.edges.edition import NOTHING, EditionFolder, Figure, Figures
from tasks.edges.language import LANGUAGES, N_, ORIGINAL
from tasks.edges.sources import Source
from tasks.edges.warehouse import Receipt, Rowset

NATION = "IR"
REASONS_FA = {"data": N_("دادهٔ تازه"), "method": N_("روش یا شیوه‌نامه"), "error": N_("خطا در ویرایش پیشین")}
REASON_JOINT_FA = N_(" و ")
GUIDELINES = ("sampling", "field", "verdicts", "publication", "quotas")


# Between two of these a percentage reads right to left, number before sign, wherever it stands.
ARABIC_LETTER_MARK = "\u061c"


def percent(share: float, decimals: int = 2) -> str:
    """Write a share as a percentage whose sign stands left of its number in a table, a chart and a sentence.

    A number behind a Persian letter puts «٪» on its left, a number alone on its right; Unicode's rules W2 and W5.
    """
    return ARABIC_LETTER_MARK + persian.percent(share, decimals) + ARABIC_LETTER_MARK


def rial_in_billions(rial: float, decimals: int = 0) -> str:
    """Write an amount of rials in billions."""
    return persian.number(rial / 1e9, decimals)


FILTERS: dict[str, Callable[..., Any]] = {
    # On pages that are in Persian alone.
    "fa": persian.digits,
    # On pages that `tasks.translation` has in other languages too, with these names.
    "digits": persian.digits,
    "year": persian.digits,
    "date": calendar.jalali_text_fa,
    "gregorian": datetime.date.isoformat,
    "number": persian.number,
    "percent": percent,
    "billions": rial_in_billions,
    "jalali": calendar.jalali_text_fa,
    "printed_sum_differs": wording.printed_sum_differs,
}


@task(task_run_name="freeze-figures-{period}-{cutoff}", cache_policy=NO_CACHE)
def freeze_figures(period: Period, cutoff: datetime.date) -> Receipt:
    """Freeze the figures of an edition as they will be printed, with what must not be; after `protect_figures`."""
    partition = _partition(period, cutoff)
    wanted = estimate.definitions_in_force(definitions.indicators(), period.reference_date)
    told = [
        (one.code, level, is_whole, variable)
        for level in estimate.LEVELS
        for is_whole in (True, False)
        for one in wanted.printed(level, is_whole)
        for variable in one.tells
    ]
    indicators, levels, is_whole, variables = (list(column) for column in zip(*told, strict=True))
    named = {"indicators": indicators, "levels": levels, "is_whole": is_whole, "variables": variables}
    rows = Rowset("bulletin/printed_figure.sql", partition | named)
    return warehouse.freeze("bulletin.printed_figure", partition, rows)


@task(task_run_name="record-files-{period}-{cutoff}", cache_policy=NO_CACHE)
def record_files(period: Period, cutoff: datetime.date) -> Receipt:
    """Record the files of an edition with their hashes; one that stands must be what was recorded."""
    partition = _partition(period, cutoff)
    rows = EditionFolder(period, cutoff).files()
    return warehouse.freeze("bulletin.file", partition, rows.assign(**partition))


def province_codes() -> list[str]:
    """List the provinces a bulletin is printed for."""
    units = warehouse.read("bulletin/unit.sql")
    return sorted(units.loc[units["level"] == "province", "unit_code"])


def languages_of(level: str) -> tuple[str, ...]:
    """List the languages a bulletin is printed in, the original first."""
    return LANGUAGES if level in ("nation", "province") else (ORIGINAL,)


def file_stem(level: str, code: str, period: Period, language: str = ORIGINAL) -> str:
    """Name the files of a bulletin, without their format: `province-06-1403-1`, and `province-06-1403-1.en` in English.

    Args:
        level: nation, province, county, agency, methods or revision.
        code: of the unit or agency; bulletins of the whole have none in their name.
        period: of the edition.
        language: fa or en.
    """
    names = {"nation": "national", "methods": "methods", "revision": "revision"}
    stem = names.get(level, f"{level}-{code}")
    return f"{stem}-{period}" + ("" if language == ORIGINAL else f".{language}")


def annex_name(level: str, code: str, period: Period) -> str:
    """Name the workbook that lies beside a bulletin."""
    return f"{file_stem(level, code, period)}.xlsx"


class Edition:
    """All an edition is printed from: what its bulletins share is read once, what is one's own by itself."""

    def __init__(self, period: Period, cutoff: datetime.date) -> None:
        self.period = period
        self.cutoff = cutoff
        self.partition = _partition(period, cutoff)

    def national(self) -> dict[str, Any]:
        """Put together what the national bulletin may name."""
        figures, every = self._figures(NATION), self._units("province")
        provinces = [unit for unit in every if figures.has(unit["code"])]
        rates = statement.rates(figures, [unit["code"] for unit in provinces])
        ranks = statement.rank_sets(rates, self.confidence)
        return self._shared(NATION, "nation", figures) | {
            "languages": self._languages("nation"),
            "provinces": provinces,
            "empty_provinces": [unit for unit in every if unit not in provinces],
            "standings": statement.standings(rates, self.confidence),
            "ranks": ranks,
            "best": statement.best(ranks),
            "agencies": self.agencies,
            "scored": self.scored,
            "unscored": [card["agency_name"] for card in self.agencies if "n" in card and not card["is_scored"]],
            "best_agency": statement.best(
                {one["agency_code"]: (one["rank_lower"], one["rank_upper"]) for one in self.scored}
            ),
            "funnel": statement.funnel(self.scored, figures.get("accuracy_rate", "estimated")),
            "deliveries": self.deliveries,
            "progress": self._progress(NATION, figures),
        }

    def provincial(self, province_code: str) -> dict[str, Any]:
        """Put together what the bulletin of a province may name."""
        figures = self._figures(province_code)
        is_covered = figures.has()
        counties = [unit for unit in self._units("county") if unit["province_code"] == province_code]
        rates = statement.rates(figures, [unit["code"] for unit in counties])
        return self._shared(province_code, "province", figures) | {
            "languages": self._languages("province", province_code),
            "is_covered": is_covered,
            "counties": counties,
            "standings": statement.standings(rates, self.confidence),
            "standing": self._standing_of_province(province_code),
            "agencies": self.agencies,
            "progress": self._progress(province_code, figures),
        }

    def county(self, province: Mapping[str, Any], county_code: str) -> dict[str, Any]:
        """Put together what the sheet of a county may name, from what its province's bulletin names."""
        figures: Figures = province["figures"].of(county_code)
        unit = next(one for one in province["counties"] if one["code"] == county_code)
        reason = wording.NO_PLANS
        if figures.has():
            rate = figures.get("accuracy_rate", "estimated")
            counts = (
                statement.at_least(figures.get(f"{name}_plan_count")) for name in ("eligible", "supervised", "decided")
            )
            reason = wording.why_not_printed(*counts, is_suppressed=rate.is_suppressed, is_weak=rate.mark is not None)
        kept = ("edition", "minimum_count", "not_covered", "small_areas", "revisions", "indicators")
        return {name: province[name] for name in kept} | {
            "languages": self._languages("county", county_code),
            "unit": {"level": "county"} | unit,
            "province": province["unit"],
            "figures": figures,
            "standing": province["standings"].get(county_code, wording.UNKNOWN),
            "reason": reason,
            "annex": annex_name("county", county_code, self.period),
        }

    def agency(self, agency_code: str) -> dict[str, Any]:
        """Put together what the sheet of an agency may name."""
        card = next(one for one in self.agencies if one["agency_code"] == agency_code)
        domain, figures = card["domain"], self._agency_figures
        is_covered = figures.has(domain=domain)
        return self._shared(NATION, "agency", figures) | {
            "languages": self._languages("agency", agency_code),
            "agency": card,
            "annex": annex_name("agency", agency_code, self.period),
            "domain": domain,
            "is_covered": is_covered,
            "agencies": self.agencies,
            "scored": self.scored,
            "funnel": statement.funnel(self.scored, figures.get("accuracy_rate", "estimated")),
            "provinces": [unit for unit in self._units("province") if figures.has(unit["code"], domain)],
            "delivery": next((one for one in self.deliveries if one["agency_code"] == agency_code), None),
            "deliveries": self.deliveries,
        }

    def methods_report(self) -> dict[str, Any]:
        """Put together what the report on methods and quality may name."""
        figures = self._figures(NATION)
        names = {card["agency_code"]: card["agency_name"] for card in self.agencies}
        coverage = _records(warehouse.read("bulletin/coverage.sql", **self._year))
        precision = _records(warehouse.read("bulletin/precision.sql", **self._year))
        return self._shared(NATION, "nation", figures) | {
            "languages": self._languages("methods"),
            "annex": None,
            "provinces": self._units("province"),
            "agencies": self.agencies,
            "deliveries": self.deliveries,
            "coverage": [row | {"agency_name": names.get(row["agency_code"], row["agency_code"])} for row in coverage],
            "expected": {row["unit_code"]: row for row in precision},
            "effort": _records(warehouse.read("bulletin/effort.sql", **self.partition)),
            "draw": next(iter(_records(warehouse.read("bulletin/draw.sql", **self._year))), None),
            "figure_quality": self._figure_quality(),
            "guidelines": {name: law.stated(name, self.period) for name in GUIDELINES},
        }

    @property
    def has_revision_note(self) -> bool:
        """Whether another edition stood before this one."""
        return self.record["supersedes"] is not None

    def revision_note(self) -> dict[str, Any]:
        """Put together what the note on a revised edition may name; the first edition of a period has none."""
        changes = warehouse.read("bulletin/revision.sql", **self.partition)
        counts = changes["level"].value_counts()
        of_nation = changes[(changes["level"] == "nation") & (changes["domain"] == "all")]
        return self._shared(NATION, "nation", self._figures(NATION)) | {
            "languages": self._languages("revision"),
            "annex": None,
            "superseded": self.record["supersedes"],
            "reason": self._reasons_fa,
            "counts": [(level, int(counts[level])) for level in estimate.LEVELS if level in counts],
            "rows": _records(of_nation),
        }

    @cached_property
    def agencies(self) -> list[dict[str, Any]]:
        """Every agency that delivers in the year, scored ones first and best first, with its standing."""
        cards = {
            card["agency_code"]: card for card in _records(warehouse.read("bulletin/scorecard.sql", **self.partition))
        }
        every = self._agency_figures
        rates = {code: every.get("accuracy_rate", "estimated", domain=f"agency={code}") for code in cards}
        stands = statement.standings(rates, self.confidence)
        rest = {code: name for code, name in self._agency_names.items() if code not in cards}
        rows = [card | {"standing": stands[code]} for code, card in cards.items()]
        rows += [
            {"agency_code": code, "agency_name": name, "standing": wording.UNKNOWN}
            for code, name in sorted(rest.items())
        ]
        # What is too weak or too telling to print as a figure is no rank either.
        english = self._english_names
        return [
            row
            | {"domain": f"agency={code}", "is_scored": code in cards and rates[code].mark is None}
            | {"agency_name_en": english.get(code, "")}
            for row in rows
            for code in [row["agency_code"]]
        ]

    @cached_property
    def scored(self) -> list[dict[str, Any]]:
        """The agencies whose scorecard is printed, best first."""
        return [card for card in self.agencies if card["is_scored"]]

    @cached_property
    def deliveries(self) -> list[dict[str, Any]]:
        """Rows given back and the five dimensions of quality, by agency."""
        rejected = warehouse.read("staging/reject_summary.sql", **self.partition)
        rejected = rejected.rename(columns={"rejected_row_count": "rejected_count"})
        quality = warehouse.read("bulletin/agency_quality.sql", **self.partition)
        shares: dict[str, dict[str, float | None]] = {}
        for row in _records(quality):
            shares.setdefault(row["agency_code"], {})[row["dimension"]] = row["share"]
        return [row | {"quality": shares.get(row["agency_code"], {})} for row in _records(rejected)]

    @cached_property
    def units(self) -> pd.DataFrame:
        """Every province and county."""
        return warehouse.read("bulletin/unit.sql")

    @cached_property
    def rules(self) -> Mapping[str, Any]:
        """Publication rules in force."""
        return law.section("publication", self.period)

    @property
    def minimum(self) -> int:
        """Least count that may be printed."""
        return int(self.rules["minimum_count"])

    @property
    def confidence(self) -> float:
        """Confidence of intervals, and of what a sentence states."""
        return float(self.rules["confidence_level"])

    @cached_property
    def not_covered(self) -> list[str]:
        """Agencies that deliver in this year but stand in no figure."""
        return [card["agency_name"] for card in self.agencies if not self._agency_figures.has(domain=card["domain"])]

    @cached_property
    def edition(self) -> dict[str, Any]:
        """What names the edition."""
        period = self.period
        sections = {name: law.section(name, period) for name in GUIDELINES}
        delay = int(self.rules["release_delay_days"])
        return {
            "year": period.year,
            "phase": period.phase,
            "cutoff": self.cutoff,
            "released_on": self.cutoff + datetime.timedelta(days=delay),
            "kind": str(self.record["kind"]),
            "number": int(self.record["number"]),
            "contact": str(self.rules["contact"]),
            "next_release_on": self.cutoff + datetime.timedelta(days=delay + int(self.rules["release_interval_days"])),
            "address": f"/{period.year}/{period.phase}/{self.cutoff.isoformat()}/",
            "is_rehearsal": register.rests_on_rehearsal(period),
            "guideline_version": "+".join(section.version for section in sections.values()),
            "assumed": sorted({label for section in sections.values() for label in section.assumed}),
            "confidence": self.confidence,
            "rank_confidence": decision.RANK_CONFIDENCE,
        }

    def _shared(self, unit_code: str, level: str, figures: Figures) -> dict[str, Any]:
        name = None if unit_code == NATION else str(self.units.set_index("unit_code").loc[unit_code, "name_fa"])
        groups = self._groups(figures)

        def rate(indicator: str) -> Figure:
            return figures.get(indicator, "estimated", unit=unit_code) if figures.has(unit_code) else NOTHING

        return {
            "edition": self.edition,
            "unit": {"level": level, "code": unit_code, "name": name},
            "annex": annex_name(level, unit_code, self.period),
            "figures": figures,
            "groups": groups,
            "contrasts": statement.contrasts(figures, groups, self.confidence),
            "indicators": self._indicators,
            "not_covered": self.not_covered,
            "minimum_count": self.minimum,
            "changes": [row for row in self._rows("change", unit_code) if not rate(row["indicator"]).is_suppressed],
            "revisions": [
                row | {"reason": self._reasons_fa, "reason_codes": self.record["reasons"]}
                for row in self._rows("unit_revision", unit_code)
            ],
            "error_sources": [] if rate("accuracy_rate").mark else self._rows("error_source", unit_code),
            "small_areas": self._small_areas(unit_code),
        }

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """What was recorded of the edition: its number, its kind, what it superseded and why."""
        rows = warehouse.read("bulletin/edition.sql", **self._year)
        own = _records(rows[rows["cutoff"] == self.cutoff])
        if not own:
            raise FigureMissing(
                place=f"edition {self.period} {self.cutoff}",
                found="no record of it",
                wanted="one, before it is printed",
            )
        return own[0]

    @property
    def _reasons_fa(self) -> str:
        return REASON_JOINT_FA.join(REASONS_FA[reason] for reason in self.record["reasons"])

    def _languages(self, level: str, code: str = NATION) -> dict[str, str]:
        """Name the page in each language it is printed in: language -> file."""
        return {language: f"{file_stem(level, code, self.period, language)}.html" for language in languages_of(level)}

    def _rows(self, name: str, unit_code: str) -> list[dict[str, Any]]:
        return _records(warehouse.read(f"bulletin/{name}.sql", **self.partition, unit_code=unit_code))

    def _small_areas(self, province_code: str) -> dict[str, dict[str, Any]]:
        rows = warehouse.read("bulletin/small_area.sql", **self.partition, province_code=province_code)
        return {row["county_code"]: row for row in _records(rows)}

    def _groups(self, figures: Figures) -> list[dict[str, Any]]:
        """List the dimensions but the agency's, with the domains in which the unit has plans."""
        found = []
        for code, dimension in self._dimensions.items():
            domains = [one for one in dimension["domains"] if figures.has(domain=one["code"])]
            if code != "agency" and domains:
                found.append({"code": code, "name": dimension["name"], "domains": domains})
        return found

    @cached_property
    def _dimensions(self) -> dict[str, dict[str, Any]]:
        figures, found = self._figures(NATION), {}
        titles = definitions.activities().query("level == '1'")
        sections = dict(zip(titles["code"], titles["title_fa"], strict=True))
        for one in definitions.indicators()["dimensions"]:
            names = {str(band["code"]): band["name_fa"] for band in one.get("bands", ())}
            names |= {str(value): name for value, name in one.get("values_fa", {}).items()}
            codes = figures.domains(one["code"])
            # Bands stand in their order, what has a code by its code; what is not known comes last.
            order = [*names, *sorted(code for code in codes if code not in (*names, "unknown")), "unknown"]
            names |= sections if one["code"] == "activity" else {}
            found[one["code"]] = {
                "name": one["name_fa"],
                "domains": [
                    {"code": f"{one['code']}={code}", "value": code, "name": names.get(code)}
                    for code in order
                    if code in codes
                ],
            }
        return found

    @cached_property
    def _indicators(self) -> dict[str, dict[str, Any]]:
        """Names and definitions in force when the period begins."""
        entries = [
            one for one in definitions.indicators()["indicators"] if str(one["from"]) <= self.period.reference_date
        ]
        return {
            one["code"]: {"name": one["name_fa"], "definition": one["definition_fa"], "kind": one["kind"]}
            for one in entries
        }

    @cached_property
    def _agency_names(self) -> dict[str, str]:
        return {source.agency_code: source.agency_name for source in self._lists_of_plans}

    @cached_property
    def _english_names(self) -> dict[str, str]:
        return {source.agency_code: source.agency_name_en for source in self._lists_of_plans}

    @cached_property
    def _lists_of_plans(self) -> list[Source]:
        every = sources.load_all().values()
        return [source for source in every if source.form == "loan_plan" and source.delivers(self.period)]

    @cached_property
    def _agency_figures(self) -> Figures:
        return self._read_figures("bulletin/agency_figure.sql", NATION)

    @property
    def _year(self) -> dict[str, int]:
        return {"year": self.period.year, "phase": self.period.phase}

    def _standing_of_province(self, province_code: str) -> str:
        figures = self._figures(NATION)
        codes = [unit["code"] for unit in self._units("province")]
        return statement.standings(statement.rates(figures, codes), self.confidence).get(province_code, wording.UNKNOWN)

    def _units(self, level: str) -> list[dict[str, Any]]:
        return _sorted_units(self.units[self.units["level"] == level])

    def _figures(self, unit_code: str) -> Figures:
        # The nation's are asked for by every province, a province's by itself alone.
        return self._nation if unit_code == NATION else self._read_unit(unit_code)

    @cached_property
    def _nation(self) -> Figures:
        return self._read_unit(NATION)

    def _read_unit(self, unit_code: str) -> Figures:
        return self._read_figures("bulletin/figure.sql", unit_code, unit_code=unit_code)

    def _read_figures(self, file: str, seen_from: str, **parameters: str) -> Figures:
        return Figures(warehouse.read(file, **self.partition, **parameters), seen_from)

    def _figure_quality(self) -> list[dict[str, Any]]:
        rows = warehouse.read("bulletin/figure_quality.sql", **self.partition)
        table = rows.pivot_table(
            index=["level", "is_whole"], columns="quality", values="figure_count", aggfunc="sum", fill_value=0
        )
        letters = ["A", "B", "C", "withheld", "undefined"]
        ordered = table.reindex(columns=letters, fill_value=0).reindex(["nation", "province", "county"], level="level")
        return _records(ordered.reset_index())

    def _progress(self, unit_code: str, figures: Figures) -> list[dict[str, Any]]:
        rows = warehouse.read("bulletin/progress.sql", **self.partition, unit_code=unit_code)
        places = rows["unit_code"].tolist() if unit_code == NATION else [unit_code] * len(rows)
        rows = statement.printable_progress(rows, figures, places)
        # Firms stand by code, provinces by name.
        return sorted(_records(rows), key=lambda row: persian.sort_key(row["unit_name"]) if unit_code == NATION else ())


def _partition(period: Period, cutoff: datetime.date) -> dict[str, Any]:
    return {"year": period.year, "phase": period.phase, "cutoff": cutoff}


def _sorted_units(units: pd.DataFrame) -> list[dict[str, Any]]:
    rows = _records(units.rename(columns={"unit_code": "code", "name_fa": "name"}))
    return sorted(rows, key=lambda row: persian.sort_key(row["name"]))


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return [{str(key): value for key, value in record.items()} for record in records]
