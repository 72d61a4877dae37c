"""Bulletin stage, translation: what a bulletin names, said in another language; its figures are the same objects."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from babel.dates import format_date
from markupsafe import Markup

from methods import calendar, english, wording
from tasks import bulletin
from tasks.edges import definitions
from tasks.edges.language import ENGLISH, ORIGINAL, translations

Row = Mapping[str, Any]


def _rial_in_billions(rial: float, decimals: int = 0) -> str:
    return english.number(rial / 1e9, decimals)


def _gregorian(day: datetime.date) -> str:
    return format_date(day, "d MMMM y", locale=ENGLISH)


def _both_dates(day: datetime.date) -> str:
    return f"{_gregorian(day)} ({calendar.jalali_text_en(day)})"


FILTERS: dict[str, dict[str, Callable[..., Any]]] = {
    ORIGINAL: bulletin.FILTERS,
    ENGLISH: {
        "digits": str,
        "year": english.jalali_year,
        "date": _both_dates,
        "gregorian": _gregorian,
        "jalali": calendar.jalali_text_en,
        "number": english.number,
        "percent": english.percent,
        "billions": _rial_in_billions,
        "printed_sum_differs": wording.printed_sum_differs,
    },
}


def put(context: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    """Put what a bulletin names into a language: messages by the catalogue, proper names by who owns them.

    Args:
        context: what `bulletin.Edition` put together for the national bulletin, or that of a province.
        language: fa or en.

    Returns:
        The same context with other names, what stands by name in the order of its alphabet.

    Raises:
        TranslationMissing: the catalogue lacks a message.
    """
    return context if language == ORIGINAL else {**context, **_English(context).said()}


class _English:
    """Says the names of one bulletin in English."""

    def __init__(self, context: Mapping[str, Any]) -> None:
        self._context = context
        self._say = translations(ENGLISH).gettext
        self._places = definitions.english_places()
        self._agencies = {card["agency_code"]: card["agency_name_en"] for card in context["agencies"]}

    def said(self) -> dict[str, Any]:
        """What is named otherwise than in Persian."""
        context, say = self._context, self._say
        found = {
            "unit": self._unit(context["unit"]),
            "edition": context["edition"] | {"contact": say(context["edition"]["contact"])},
            "indicators": {
                code: one | {"name": say(one["name"]), "definition": say(one["definition"])}
                for code, one in context["indicators"].items()
            },
            "groups": [self._group(group) for group in context["groups"]],
            "revisions": [self._revision(row) for row in context["revisions"]],
            "progress": sorted((self._progress(row) for row in context["progress"]), key=_by("unit_name")),
        }
        for name in ("provinces", "empty_provinces", "counties"):
            if name in context:
                found[name] = sorted((self._unit(unit) for unit in context[name]), key=_by("name"))
        for name in ("agencies", "scored", "deliveries"):
            if name in context:
                found[name] = [self._agency(row) for row in context[name]]
        names = {card["agency_name"]: self._agency(card)["agency_name"] for card in context["agencies"]}
        for name in ("not_covered", "unscored"):
            if name in context:
                found[name] = [names[one] for one in context[name]]
        if context.get("funnel"):
            points = [
                {**point, "name": self._of_agency(point["code"], point["name"])}
                for point in context["funnel"]["points"]
            ]
            found["funnel"] = {**context["funnel"], "points": points}
        return found

    def _unit(self, unit: Row) -> dict[str, Any]:
        return {**unit, "name": self._place(unit["code"], unit["name"])}

    def _place(self, code: str, name: str | None) -> str | None:
        return None if name is None else self._places.get(code) or _original(code, name)

    def _agency(self, row: Row) -> dict[str, Any]:
        return {**row, "agency_name": self._of_agency(row["agency_code"], row["agency_name"])}

    def _of_agency(self, code: str, name: str) -> str:
        return self._agencies.get(code) or _original(code, name)

    def _progress(self, row: Row) -> dict[str, Any]:
        code, name = row["unit_code"], row["unit_name"]
        # The nation's rows are provinces, a province's are firms.
        is_place = self._context["unit"]["level"] == "nation"
        return {**row, "unit_name": self._place(code, name) if is_place else _original(code, name)}

    def _group(self, group: Row) -> dict[str, Any]:
        names = self._activities() if group["code"] == "activity" else {}
        return {
            **group,
            "name": self._say(group["name"]),
            "domains": [
                {**one, "name": names.get(one["value"]) or self._named(one["name"])} for one in group["domains"]
            ],
        }

    def _named(self, name: str | None) -> str | None:
        return None if name is None else self._say(name)

    def _revision(self, row: Row) -> dict[str, Any]:
        reasons = [self._say(bulletin.REASONS_FA[code]) for code in row["reason_codes"]]
        return {**row, "reason": self._say(bulletin.REASON_JOINT_FA).join(reasons)}

    def _activities(self) -> dict[str, str]:
        titles = definitions.activities()
        return dict(zip(titles["code"], titles["title_en"], strict=True))


def _original(code: str, name: str) -> str:
    """Name by its code what has no English name in any source, its Persian name behind; none is made up."""
    return Markup('{} (<bdi lang="fa" dir="rtl">{}</bdi>)').format(code, name)


def _by(key: str) -> Callable[[Row], str]:
    return lambda row: str(row[key])
