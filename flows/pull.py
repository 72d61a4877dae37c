"""Pull: take in what every source of a period delivers, and accept or refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect import flow, tags
from prefect.artifacts import create_table_artifact
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from methods.errors import SourceFailed
from methods.period import Period
from tasks.answer import answer_agency, compare_deliveries
from tasks.edges import register
from tasks.landing import land_rows, receive_delivery
from tasks.reference import load_reference
from tasks.staging import conform_delivery, judge_delivery, record_refusal

# Visits come back once a sample has been issued; `collect` takes them in.
RETURNED_FORM = "visit"

Steps = Sequence[PrefectFuture[Any]]


@flow(flow_run_name="pull-{year}-{phase}", task_runner=ThreadPoolTaskRunner(max_workers=2))
def pull(year: int, phase: int = 1, without: Sequence[str] = ()) -> None:
    """Take every agency's delivery from its source to accepted rows; one that fails does not stop the others."""
    period = Period(year, phase)
    load_reference()
    forms = tuple(form for form in register.known_forms() if form != RETURNED_FORM)
    take_in(period, register.delivering_sources(period, forms, tuple(without)))


def take_in(period: Period, source_codes: Sequence[str]) -> None:
    """Run the chain receive, land, conform, judge for each source.

    Raises:
        SourceFailed: names each source that failed and why, once all the others are through.
    """
    chains = {code: _chain(code, period) for code in source_codes}
    failures = {code: failure for code, steps in chains.items() if (failure := _failure(steps))}
    _show_receipts(period, chains, failures)
    for code, failure in failures.items():
        record_refusal(code, period, failure)
    has_plans = any(code in chains for code in register.sources_of(period, "loan_plan"))
    compared = compare_deliveries(period, return_state=True) if has_plans else None
    _answer(period, chains)
    if failures:
        raise SourceFailed(
            place=f"pull {period}",
            found="; ".join(failures.values()),
            wanted="every source of the period accepted",
            remedy=(
                f"The other sources are in. Mend {', '.join(failures)} and run again: only what is missing"
                f" is repeated. Or go on without: --without {' --without '.join(failures)}."
            ),
        )
    # What contradicts beyond belief stops the flow, once every agency has its answer.
    if compared is not None:
        compared.result()


def _chain(code: str, period: Period) -> Steps:
    with tags(f"source:{code}"):
        received = receive_delivery.submit(code, period)
        landed = land_rows.submit(code, period, wait_for=[received])
        conformed = conform_delivery.submit(code, period, wait_for=[landed])
        judged = judge_delivery.submit(code, period, wait_for=[conformed])
    return received, landed, conformed, judged


def _answer(period: Period, chains: Mapping[str, Steps]) -> None:
    """Write what each agency gets back, also one whose delivery was refused; where nothing came, there is nothing."""
    answers = []
    for code, steps in chains.items():
        if not steps[0].state.is_completed():
            continue
        is_new = not (steps[2].state.is_completed() and steps[2].result().content_hash == "as before")
        with tags(f"source:{code}"):
            answers.append(answer_agency.submit(code, period, is_new))
    for answer in answers:
        answer.result()


def _failure(steps: Steps) -> str | None:
    for step in steps:
        step.wait()
        if step.state.is_failed() or step.state.is_crashed():
            error = step.result(raise_on_failure=False)
            return str(error) if error is not None else step.state.message
    return None


def _show_receipts(period: Period, chains: Mapping[str, Steps], failures: Mapping[str, str]) -> None:
    rows = [
        {
            "source": code,
            "outcome": "failed" if code in failures else "accepted",
            "receipt": failures.get(code) or str(steps[2].result()),
        }
        for code, steps in chains.items()
    ]
    create_table_artifact(key=f"receipts-{period}", table=rows, description=f"Deliveries of {period}")
