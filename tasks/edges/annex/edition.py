"""What an annex says of the edition it belongs to."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from methods.period import Period

PROVISIONAL = "provisional"
KINDS_FA = {PROVISIONAL: "موقت", "final": "نهایی", "revised": "بازنگری‌شده"}
LICENCE, LICENCE_TITLE = "CC-BY-4.0", "Creative Commons Attribution 4.0"
LICENCE_ADDRESS = "https://creativecommons.org/licenses/by/4.0/"
PROGRAMME_FA = "پایش اشتغال کشور"
SOURCE_FA = "داده‌های دستگاه‌های اجرایی و بازدیدهای میدانی طرح پایش اشتغال کشور"
REHEARSAL_NOTICE = "داده‌ها ساختگی است: برای تمرین سامانه ساخته شده و دربارهٔ هیچ دستگاه یا شخص واقعی نیست."
LIMIT_FA = "این رقم‌ها درستی داده‌های ثبت‌شده را می‌سنجند، نه تقلب را."


@dataclass(frozen=True)
class Edition:
    """An edition as its annexes name it; texts are as a reader sees them.

    Attributes:
        kind: provisional, final or revised.
        title_fa: title of the edition.
        period_fa, cutoff_fa, released_fa: period, cut-off and day of release in words.
        first_day, last_day: Gregorian bounds of the Jalali year.
        contact: who answers questions.
        address: where the edition lies, such as `/1403/1/2026-10-23/`.
        guideline: version of the guideline.
        is_rehearsal: whether the data are made up.
        not_covered: agencies whose data are missing.
        names: dimension -> value -> Persian name, for values whose names no reference file holds (agencies, banks).
    """

    period: Period
    cutoff: datetime.date
    released_on: datetime.date
    kind: str
    title_fa: str
    period_fa: str
    cutoff_fa: str
    released_fa: str
    first_day: datetime.date
    last_day: datetime.date
    contact: str
    address: str
    guideline: str
    is_rehearsal: bool
    not_covered: tuple[str, ...] = ()
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Name of the edition in file and data set names."""
        return f"{self.period}-{self.cutoff.isoformat()}"

    @property
    def citation_fa(self) -> str:
        """How to cite it."""
        return f"طرح {self.title_fa}، {self.period_fa}، داده‌های رسیده تا {self.cutoff_fa}."
