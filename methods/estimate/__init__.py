"""Estimation: from verdicts of a sample to figures of county, province and nation, with their uncertainty."""

from methods.estimate.area_covariates import area_covariates
from methods.estimate.area_model import FayHerriot, fay_herriot
from methods.estimate.definitions import in_force as definitions_in_force
from methods.estimate.design import Design
from methods.estimate.domains import activity_sections
from methods.estimate.indicators import NATION, figures
from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.small_area import SmallAreas, benchmark, model_interval, small_areas
from methods.estimate.strata import ratio, stratum_totals
from methods.estimate.two_phase import TwoPhase

__all__ = [
    "Design",
    "FayHerriot",
    "NATION",
    "SmallAreas",
    "TwoPhase",
    "activity_sections",
    "area_covariates",
    "benchmark",
    "definitions_in_force",
    "effective_size",
    "fay_herriot",
    "figures",
    "model_interval",
    "proportion_interval",
    "ratio",
    "small_areas",
    "stratum_totals",
]
