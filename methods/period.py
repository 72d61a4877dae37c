"""The period of a round: a Jalali year and a phase."""

from __future__ import annotations

from dataclasses import dataclass

from methods.errors import BadPeriod

FIRST_YEAR, LAST_YEAR = 1390, 1450
PHASE_STARTS = {1: "01-01", 2: "07-01"}


@dataclass(frozen=True, order=True)
class Period:
    """A Jalali year and one of its two phases.

    Raises:
        BadPeriod: the year or the phase is not one of the programme.
    """

    year: int
    phase: int = 1

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise BadPeriod(
                place="year", found=str(self.year), wanted=f"a Jalali year from {FIRST_YEAR} to {LAST_YEAR}"
            )
        if self.phase not in PHASE_STARTS:
            raise BadPeriod(place="phase", found=str(self.phase), wanted="1 or 2")

    def __str__(self) -> str:
        return f"{self.year}-{self.phase}"

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `1403` or `1403-2`."""
        year, _, phase = text.partition("-")
        if not (year.isdecimal() and (phase or "1").isdecimal()):
            raise BadPeriod(place="period", found=repr(text), wanted="a year such as 1403, or 1403-2")
        return cls(int(year), int(phase or 1))

    @property
    def reference_date(self) -> str:
        """Jalali date whose guideline holds for the round."""
        return f"{self.year}-{PHASE_STARTS[self.phase]}"
