"""Print a whole edition with its annexes and open data from stored figures; measure time, processor, memory, sizes.

Run after `payesh demo`, with the stack up or PAYESH_DATABASE_URL set:

    python -m benchmarks.print_edition --year 1403

To be the same bytes as recorded, it must go by the guidelines of the run that recorded them: a rehearsal's need
PAYESH_GUIDELINES=demo/scenarios/full/guidelines:guidelines.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import os
import resource
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from methods.period import Period

WORKERS = 2
LIMITS = {"seconds": 120.0, "mebibytes": 1024.0, "one_again_seconds": 2.0}
LARGEST_KB = {"national": 1000, "county": 200}


def print_all(period: Period, cutoff: datetime.date) -> float:
    """Print as the flow does, without Prefect; return the seconds it took."""
    from tasks import printing
    from tasks.bulletin import province_codes

    begun = time.perf_counter()
    assert printing.begin_edition.fn(period, cutoff)  # noqa: S101
    printing.write_open_data.fn(period, cutoff)
    print(f"open data, {time.perf_counter() - begun:.0f} s", end="", flush=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        work = [pool.submit(part.fn, period, cutoff) for part in (printing.print_nation, printing.print_agencies)]
        work += [pool.submit(printing.print_province.fn, period, cutoff, code) for code in province_codes()]
        for place, one in enumerate(work):
            one.result()
            took = time.perf_counter() - begun
            print(f"\r{place + 1} of {len(work)} parts, {took:.0f} s", end="", flush=True)
    print()
    return time.perf_counter() - begun


def print_one_again(period: Period, cutoff: datetime.date) -> tuple[float, float]:
    """Print one province's bulletin with its annex, in a process that has printed before; return wall and processor."""
    from tasks import annex
    from tasks.bulletin import FILTERS, Edition
    from tasks.edges import rendering
    from tasks.edges.annex.workbook import Annexes

    begun, cpu = time.perf_counter(), time.process_time()
    edition = Edition(period, cutoff)
    rendering.render("provincial.html.j2", edition.provincial("00"), FILTERS, cutoff)
    Annexes(annex.publish(edition, "00")).build("province", "00")
    return time.perf_counter() - begun, time.process_time() - cpu


def same_as_recorded(period: Period, cutoff: datetime.date) -> str:
    """Compare what was printed with what the warehouse recorded of the edition as it was shown."""
    from tasks.edges import warehouse
    from tasks.edges.edition import EditionFolder

    rows = warehouse.read("bulletin/file.sql", year=period.year, phase=period.phase, cutoff=cutoff)
    recorded = dict(zip(rows["file_name"], rows["sha256"], strict=True))
    folder = EditionFolder(period, cutoff).hidden
    printed = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sizes_of(folder)}
    same = [name for name, digest in printed.items() if recorded.get(name) == digest]
    return f"{len(same)} of {len(printed)} files"


def sizes_of(folder: Path) -> dict[str, int]:
    """Give the size of each file [bytes], those of folders too."""
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


class Peak:
    """The most memory this process has held, watched from a thread of its own."""

    def __init__(self) -> None:
        self.mebibytes = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._done.wait(0.05):
            self.mebibytes = max(self.mebibytes, process.memory_info().rss / 2**20)

    def stop(self) -> None:
        """End the watch."""
        self._done.set()
        self._thread.join()


def report(folder: Path, seconds: float, again: tuple[float, float], peak: Peak, cpu: float) -> None:
    """Say what was measured beside what is asked for."""
    sizes = {name: size / 1000 for name, size in sizes_of(folder).items()}
    pages, books = ([name for name in sizes if name.endswith(suffix)] for suffix in (".html", ".xlsx"))
    data = [name for name in sizes if "/" in name]
    print(f"bulletins    {len(pages)} as HTML and PDF, {sum(sizes.values()) / 1000:.0f} MB in all")
    print(f"annexes      {len(books)} workbooks, {sum(sizes[name] for name in books) / 1000:.0f} MB")
    print(f"open data    {len(data)} files, {sum(sizes[name] for name in data) / 1000:.0f} MB")
    print(f"time         {seconds:.1f} s (asked: {LIMITS['seconds']:.0f}) on {os.cpu_count()} cores")
    print(f"processor    {cpu:.1f} s, load of the machine {os.getloadavg()[0]:.1f}")
    print(f"memory       {peak.mebibytes:.0f} MiB at most (asked: {LIMITS['mebibytes']:.0f})")
    wall, again_cpu = again
    print(f"one again    {wall:.2f} s (asked: {LIMITS['one_again_seconds']:.0f}), processor {again_cpu:.2f} s")
    for kind, limit in LARGEST_KB.items():
        largest = max(size for name, size in sizes.items() if name.startswith(kind) and name.endswith(".html"))
        print(f"{kind:<12} {largest:.0f} kB at most (asked: {limit})")


def main() -> None:
    """Measure one edition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--year", type=int, default=1403)
    parser.add_argument("--phase", type=int, default=1)
    wanted = parser.parse_args()
    if "PAYESH_DATABASE_URL" not in os.environ:
        from payesh import stack

        stack.adopt()
    from tasks.edges import register
    from tasks.edges.edition import EditionFolder

    period = Period(wanted.year, wanted.phase)
    cutoff = register.cutoff(period, None)
    with tempfile.TemporaryDirectory() as home:
        # The warehouse is read; what is printed goes where nobody reads it.
        os.environ["PAYESH_HOME"] = home
        peak, cpu = Peak(), time.process_time()
        seconds = print_all(period, cutoff)
        cpu = time.process_time() - cpu
        again = print_one_again(period, cutoff)
        peak.stop()
        print(f"same bytes as recorded: {same_as_recorded(period, cutoff)}")
        report(EditionFolder(period, cutoff).hidden, seconds, again, peak, cpu)
    print(f"peak by the kernel {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
