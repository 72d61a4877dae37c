"""Estimation: from verdicts of a sample to figures of county, province and nation, with their uncertainty."""

from methods.estimate.definitions import in_force as definitions_in_force
from methods.estimate.design import Design
from methods.estimate.domains import activity_sections
from methods.estimate.indicators import NATION, figures
from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.strata import ratio, stratum_totals
from methods.estimate.two_phase import TwoPhase

__all__ = [
    "Design",
    "NATION",
    "TwoPhase",
    "activity_sections",
    "definitions_in_force",
    "effective_size",
    "figures",
    "proportion_interval",
    "ratio",
    "stratum_totals",
]
