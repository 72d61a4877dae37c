"""Estimation: from verdicts of a sample to figures of county, province and nation, with their uncertainty."""

from methods.estimate.agreement import agreement, cohen_kappa
from methods.estimate.error_sources import error_sources
from methods.estimate.indicators import NATION, figures
from methods.estimate.intervals import effective_size, proportion_interval
from methods.estimate.prevalence import corrected_prevalence, double_sampled_prevalence
from methods.estimate.strata import ratio, stratum_totals

__all__ = [
    "NATION",
    "agreement",
    "cohen_kappa",
    "corrected_prevalence",
    "double_sampled_prevalence",
    "effective_size",
    "error_sources",
    "figures",
    "proportion_interval",
    "ratio",
    "stratum_totals",
]
