"""Every figure of a year, from staging to stored: verdicts, indicators × domains × levels, their gate.

Run on a warehouse that holds the year, such as after `payesh demo`:

    python -m benchmarks.year_of_figures --year 1403

Nothing is added: what stands is written again, the same.
"""

from __future__ import annotations

import argparse
import resource
import time

from methods.period import Period
from payesh.cli import warehouse_open
from tasks.edges import register, warehouse
from tasks.estimate import estimate_figures
from tasks.inspection import judge_visits

MEBIBYTE = 1024


def main() -> None:
    """Read what is asked, with the warehouse at hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--year", type=int, default=1403)
    parser.add_argument("--phase", type=int, default=1)
    asked = parser.parse_args()
    with warehouse_open():
        measure(Period(asked.year, asked.phase))


def measure(period: Period) -> None:
    """Run each step once and print what it took."""
    cutoff = register.cutoff(period, None)
    took = 0.0
    partition = {"year": period.year, "phase": period.phase, "cutoff": cutoff}
    steps = {
        "verdicts": lambda: judge_visits.fn(period, cutoff),
        "figures": lambda: estimate_figures.fn(period, cutoff),
        "adding up": lambda: warehouse.read("estimate/gate.sql", **partition),
    }
    for name, step in steps.items():
        began = time.perf_counter()
        result = step()
        seconds = time.perf_counter() - began
        took += seconds
        print(f"{name:<10} {seconds:6.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE
    count = int(result["figure_count"].iloc[0])
    print(f"{count:,} figures in {took:.1f} s (wanted 60), peak {peak:,.0f} MiB (wanted 1,536)")


if __name__ == "__main__":
    main()
