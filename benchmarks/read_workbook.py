"""Read a workbook of 100,000 rows as text, beside what python-calamine alone takes for it."""

from __future__ import annotations

import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import xlsxwriter
from python_calamine import CalamineWorkbook

from methods import persian
from tasks.edges.reading import open_table
from tasks.edges.readings import Reading

ROWS = 100_000
ROUNDS = 7
HEADER = (
    "plan_number", "national_id", "applicant_name", "province", "county", "budget_note",
    "rial_1", "rial_2", "rial_3", "rial_4", "rial_5", "approved_on", "share", "is_open", "paid_on",
)  # fmt: skip


def main() -> None:
    """Print the medians of both and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workbook.xlsx"
        write_workbook(path)
        alone, whole = [], []
        for _ in range(ROUNDS):
            alone.append(seconds(lambda: read_alone(path)))
            whole.append(seconds(lambda: read_whole(path)))
    reader, ours = statistics.median(alone), statistics.median(whole)
    print(f"python-calamine alone {reader:.3f} s, as a table of text {ours:.3f} s, ratio {ours / reader:.2f}")


def write_workbook(path: Path) -> None:
    """Write rows such as an agency's: codes, names, amounts, dates, shares, truths."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, HEADER)
        for row in range(1, ROWS + 1):
            texts = [f"P{row}", f"00{row}", f"نام متقاضی {row % 1000}", "تهران", "شهرستان", ""]
            sheet.write_row(row, 0, [*texts, *(float(row * 1000 + column) for column in range(5))])
            sheet.write_datetime(row, 11, dt.date(2024, 3, 1), day)
            sheet.write_row(row, 12, [row / 7, row % 2 == 0, "1403/01/02"])


def read_alone(path: Path) -> int:
    """Read the sheet as python-calamine gives it."""
    return len(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())


def read_whole(path: Path) -> int:
    """Read it as the pipeline does, to its last row."""
    with open_table("benchmark", path, path.name, Reading(), persian.conform, HEADER) as table:
        return sum(1 for _ in table.rows)


def seconds(work: Callable[[], int]) -> float:
    """Time one reading."""
    started = time.perf_counter()
    count = work()
    if count < ROWS:
        raise SystemExit(f"{count} rows of {ROWS} were read")
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
