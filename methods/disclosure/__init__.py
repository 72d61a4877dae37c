"""Disclosure control: what must not be printed, what goes with it, and an attack on all that is printed."""

from methods.disclosure.attacker import attack
from methods.disclosure.figures import Protected, protect_figures
from methods.disclosure.primary import contributions, dominance_level, p_percent_level, small_counts
from methods.disclosure.release import Protection, protect_amounts, protect_counts

__all__ = [
    "Protected",
    "Protection",
    "attack",
    "contributions",
    "dominance_level",
    "p_percent_level",
    "protect_amounts",
    "protect_counts",
    "protect_figures",
    "small_counts",
]
