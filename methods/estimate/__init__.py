"""Estimation: from verdicts of a sample to figures of county, province and nation, with their uncertainty."""

from methods.estimate.agreement import agreement, cohen_kappa
from methods.estimate.area_covariates import area_covariates
from methods.estimate.area_model import FayHerriot, fay_herriot
from methods.estimate.cells import COLUMNS as CELL_COLUMNS
from methods.estimate.cells import cells
from methods.estimate.definitions import LEVELS
from methods.estimate.definitions import in_force as definitions_in_force
from methods.estimate.design import Design
from methods.estimate.domains import activity_sections, with_section
from methods.estimate.error_sources import error_sources
from methods.estimate.indicators import NATION, figures
from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.prevalence import corrected_prevalence, double_sampled_prevalence
from methods.estimate.small_area import SmallAreas, benchmark, model_interval, small_areas
from methods.estimate.strata import ratio, stratum_totals
from methods.estimate.two_phase import TwoPhase

__all__ = [
    "CELL_COLUMNS",
    "Design",
    "FayHerriot",
    "LEVELS",
    "NATION",
    "SmallAreas",
    "TwoPhase",
    "activity_sections",
    "agreement",
    "area_covariates",
    "benchmark",
    "cells",
    "cohen_kappa",
    "corrected_prevalence",
    "definitions_in_force",
    "double_sampled_prevalence",
    "effective_size",
    "error_sources",
    "fay_herriot",
    "figures",
    "model_interval",
    "proportion_interval",
    "ratio",
    "small_areas",
    "stratum_totals",
    "with_section",
]
