"""Sample stage, hand-out: what the inspectors of an issued sample get in hand, and the form their phones ask by."""

from __future__ import annotations

import functools
import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from methods import persian, route
from methods.errors import FrameMismatch, SettingWrong
from methods.period import Period
from tasks.edges import forms, register, rendering, warehouse
from tasks.edges.fieldwork import plan_list, push, qr, workbook, xlsform
from tasks.edges.fieldwork.push import Parcel
from tasks.edges.forms import Form
from tasks.edges.settings import settings
from tasks.edges.sources import Source
from tasks.edges.warehouse import Receipt

FORM = "visit"
# Lists of the first visits lie beside their firm; those of repeats in a folder of their level.
FIRST = "county"
NOTICE = "داده‌های این فهرست ساختگی است"
FILTERS: dict[str, Callable[..., Any]] = {"fa": persian.digits, "number": persian.number}
# Blanks of the printed card, row by row.
PRINTED = (
    ("visited_on", "jobs_found_count"), ("contact_outcome",), ("is_final", "is_running"), ("loan_use",),
    ("has_rule_breach", workbook.REMARKS),
)  # fmt: skip
# Processes that print; each compiles one list at a time.
PRINTERS = 2
STAMP = "handed-out.json"

Say = Callable[[str], None]


@task(task_run_name="hand-out-work-{period}", cache_policy=NO_CACHE)
def hand_out_work(period: Period) -> Receipt:
    """Write the work list of each inspector and the form of their phones; what stands already is not written again."""
    return hand_out(period)


def hand_out(period: Period, say: Say = lambda line: None, again: bool = False) -> Receipt:
    """Write work lists as workbooks, the XLSForm and the list of plans attached to it.

    Args:
        period: whose sample has been issued.
        say: tells what was done.
        again: write them even where they stand.

    Raises:
        FrameMismatch: no sample of the period has been issued.
    """
    work = Work.of(period)
    folder = settings().outbox / str(period)
    stamp = folder / "work-lists" / STAMP
    receipt = Receipt("outbox.work_list", str(period), len(work.plans), work.content_hash)
    if not again and stamp.exists() and json.loads(stamp.read_text(encoding="utf-8"))["content"] == work.content_hash:
        say(f"work lists of {period}: as handed out already")
        return receipt
    for former in [path for path in stamp.parent.rglob("*") if path.is_file()]:
        # What was printed from another list, and the lists of those who have none now, would send people astray.
        former.unlink()
    for place, own in work.lists():
        _write(folder / place.with_suffix(".xlsx"), work.workbook(own))
    for level, plans in work.plans.groupby("level"):
        parcel = work.parcel(plans, "")
        _write(folder / "xlsform" / str(level) / "visit.xlsx", parcel.form)
        _write(folder / "xlsform" / str(level) / parcel.attachment_name, parcel.attachment)
    # Last: a stamp says that all of it stands.
    _write(stamp, json.dumps({"content": work.content_hash, "visits": len(work.plans)}).encode())
    say(f"{folder}: {work.plans['inspector_code'].nunique():,} work lists, {len(work.plans):,} visits, XLSForm")
    return receipt


def print_lists(period: Period, firm_code: str | None, say: Say) -> int:
    """Print work lists as PDF: those of one firm, or all of them.

    Raises:
        FrameMismatch: no sample of the period has been issued.
        SettingWrong: the firm has no plans in it.
    """
    work = Work.of(period)
    if firm_code and firm_code not in set(work.plans["firm_code"]):
        raise SettingWrong(
            "--firm", firm_code, f"a firm with plans in {period}, such as {work.plans['firm_code'].min()}"
        )
    folder = settings().outbox / str(period)
    lists = [(folder / place.with_suffix(".pdf"), own) for place, own in work.lists(firm_code)]
    # Forked processes would share the connections of this one.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(PRINTERS, len(lists)), mp_context=context) as printers:
        printed = printers.map(functools.partial(_print, work.without_plans()), lists, chunksize=4)
        for count, path in enumerate(printed, start=1):
            if count % 100 == 0 or count == len(lists):
                say(f"{count:,} of {len(lists):,} printed: {path.parent}")
    return len(lists)


def push_form(period: Period, source: Source, say: Say) -> str:
    """Push form and list of plans to the server a source names; say what was done there.

    Raises:
        FrameMismatch: no sample of the period has been issued.
        SettingWrong: the source says nothing of pushing, or its provinces have no plans.
    """
    target = source.push
    if target is None:
        raise SettingWrong(
            place=f"sources: {source.code}", found="no `push`", wanted="where its form is pushed to",
            remedy="Add a `push:` block to its YAML; `payesh source schema` says what it may hold.",
        )  # fmt: skip
    work = Work.of(period)
    plans = work.plans[work.plans["level"] == target.level]
    if target.provinces:
        plans = plans[plans["province_code"].isin(target.provinces)]
    if plans.empty:
        raise SettingWrong(
            f"sources: {source.code} push", "no visits", f"visits of level {target.level} in its provinces in {period}"
        )
    form_id = push.form_id(source, period)
    done = push.deliver(source, period, work.parcel(plans, form_id))
    say(f"{source.code}: {len(plans):,} visits; {done}")
    return done


@dataclass(frozen=True)
class Work:
    """Who visits which plans of a period, in which order, and the form their answers fill."""

    period: Period
    plans: pd.DataFrame
    form: Form
    is_rehearsal: bool

    @classmethod
    def of(cls, period: Period) -> Work:
        """Read it from the warehouse.

        Raises:
            FrameMismatch: no sample of the period has been issued.
        """
        rows = warehouse.read("sample/work_list.sql", year=period.year, phase=period.phase)
        if rows.empty:
            raise FrameMismatch(
                place=f"sample {period}", found="no issued plan", wanted="an issued sample",
                remedy=f"Run `payesh prepare {period.year} --phase {period.phase}` first.",
            )  # fmt: skip
        kinds = forms.load_all()["loan_plan"].columns["plan_kind"].choices
        routed = route.order_plans(rows).assign(plan_kind=lambda plans: plans["plan_kind"].map(kinds))
        form = forms.load_all()[FORM]
        return cls(period, routed, form, register.rests_on_rehearsal(period))

    @property
    def content_hash(self) -> str:
        """Hash of all that the files follow from."""
        said = [self.plans.to_csv(index=False), self.form.model_dump_json(), xlsform.load(FORM).model_dump_json()]
        return hashlib.sha256("\n".join([*said, str(self.is_rehearsal)]).encode()).hexdigest()[:16]

    @property
    def notice(self) -> str:
        """That the data are made up, where they are."""
        return NOTICE if self.is_rehearsal else ""

    def lists(self, firm_code: str | None = None) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        """Give each inspector's plans in order, and where his files go, without their suffix."""
        plans = self.plans if firm_code is None else self.plans[self.plans["firm_code"] == firm_code]
        blank = plans.astype(object).where(plans.notna(), None)
        for key, own in blank.groupby(["level", "firm_code", "inspector_code"], sort=True):
            level, firm, inspector = map(str, key)
            # Levels have folders of their own: who repeats visits is nobody else's business.
            place = Path("work-lists", *([] if level == FIRST else [level]), firm, inspector)
            yield place, [{str(name): value for name, value in plan.items()} for plan in own.to_dict("records")]

    def workbook(self, own: list[dict[str, Any]]) -> bytes:
        """Write one inspector's list as a workbook."""
        return workbook.write(self.title(own[0]), self.notice, own, self.form, persian.number)

    def pdf(self, own: list[dict[str, Any]]) -> bytes:
        """Print one inspector's list."""
        return rendering.print_pdf(self.page(own), self.notice, workbook.DAY_ONE.date(), "work_list.typ")

    def page(self, own: list[dict[str, Any]]) -> str:
        """Put together the page that is printed."""
        pictured = [
            plan | {"qr": qr.picture(qr.content(self.period, plan["plan_id"], plan["visit_id"]))} for plan in own
        ]
        context = {
            "title": self.title(own[0]), "firm_code": own[0]["firm_code"], "inspector_code": own[0]["inspector_code"],
            "notice": self.notice, "plans": pictured, "rows": blanks(self.form),
            "route_km": sum(plan["leg_km"] or 0 for plan in own),
        }  # fmt: skip
        return rendering.render_page("work_list.html.j2", context, FILTERS)

    def title(self, plan: dict[str, Any]) -> str:
        """Say whose list of which round it is."""
        return f"فهرست کار بازرس {plan['inspector_code']}، دور {persian.digits(self.period)}"

    def parcel(self, plans: pd.DataFrame, form_id: str) -> Parcel:
        """Make the form and its list of plans."""
        interview = xlsform.load(FORM)
        attachment = plan_list.write(_for_phones(self.period, plans))
        sheets = xlsform.sheets(
            interview, self.form, hashlib.sha256(attachment).hexdigest(), self.is_rehearsal, persian.number, form_id
        )
        return Parcel(
            title=interview.title, form_id=form_id or interview.form_id, version=xlsform.version_of(sheets),
            form=xlsform.write(sheets, interview.language), attachment_name=interview.attachment, attachment=attachment,
        )  # fmt: skip

    def without_plans(self) -> Work:
        """Take what a printing process needs beside one list."""
        return Work(self.period, self.plans.iloc[:0], self.form, self.is_rehearsal)


def blanks(form: Form) -> list[list[dict[str, Any]]]:
    """Say what is ticked or written on a card: rows of a label and its choices, none where there is a line."""
    return [[_blank(form, name) for name in row] for row in PRINTED]


def _blank(form: Form, name: str) -> dict[str, Any]:
    column = form.columns.get(name)
    if column is None:
        return {"label": name, "choices": []}
    return {
        "label": column.label_fa,
        "choices": workbook.YES_NO if column.kind == "flag" else list(column.choices.values()),
    }


def _for_phones(period: Period, plans: pd.DataFrame) -> pd.DataFrame:
    pairs = zip(plans["plan_id"], plans["visit_id"], strict=True)
    return plans.assign(
        qr_key=[qr.content(period, plan_id, visit_id) for plan_id, visit_id in pairs],
        visit_id_key=plans["visit_id"],
        place=plans["province_name"] + "، " + plans["county_name"],
        registered_jobs=plans["registered_job_count"].map(persian.number),
        loan_paid=plans["loan_paid_rial"].map(persian.number),
    )


def _print(work: Work, listed: tuple[Path, list[dict[str, Any]]]) -> Path:
    path, own = listed
    _write(path, work.pdf(own))
    return path


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    half.write_bytes(content)
    half.replace(path)
