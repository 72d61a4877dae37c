"""Sample stage, draw: the seed, who is drawn, the issued list and its certificate."""

from __future__ import annotations

import gzip
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from methods import certificate, sample
from methods.errors import CertificateWrong, FrameMismatch, SeedMismatch, SettingWrong
from methods.guideline import Section
from methods.period import Period
from tasks.edges import law, warehouse
from tasks.edges.settings import settings
from tasks.edges.warehouse import Receipt, Rowset

# A guideline that says so wants a seed nobody can know before it is shown.
DRAWN_BY_LOT = "random"
SEED_BYTES = 32
# What lies beside a certificate.
FRAME_FILE, LIST_FILE, COMMITMENT_FILE = "frame.csv.gz", "drawn_plan.csv", "seed_commitment.txt"
# Only where a reserve stands: what of it was released, and when.
RESERVE_FILE = "reserve_plan.csv"


# the seed ----------------------------------------------------------------------------------------


@task(task_run_name="commit-seed-{period}", cache_policy=NO_CACHE)
def commit_seed(period: Period) -> Receipt:
    """Commit to the seed before the frame closes: its SHA-256 is published, the seed is kept."""
    return commit(period)


def commit(period: Period, seed: str | None = None) -> Receipt:
    """Commit to a seed: one given (of a public lottery, say), the guideline's, or one drawn here.

    Raises:
        SeedMismatch: the round is committed to another seed already.
    """
    partition = _partition(period)
    standing = warehouse.read("sample/seed_commitment.sql", **partition)
    if not standing.empty and seed is None:
        _published(period, str(standing["seed_sha256"].iloc[0]))
        return Receipt("sample.seed_commitment", str(period), 1, str(standing["seed_sha256"].iloc[0])[:16])
    chosen = seed if seed is not None else _chosen_seed(period)
    digest = certificate.seed_hash(chosen)
    if not standing.empty and standing["seed_sha256"].iloc[0] != digest:
        committed = standing.iloc[0]
        raise SeedMismatch(
            place=f"seed of {period}",
            found=f"a seed of SHA-256 {digest[:16]}…",
            wanted=f"that of {str(committed['seed_sha256'])[:16]}…, committed on {committed['committed_on']}",
            remedy="A commitment cannot be taken back: use the seed that was committed to.",
        )
    _keep_secret(period, chosen)
    row = pd.DataFrame([{**partition, "seed_sha256": digest, "committed_on": settings().today}])
    receipt = warehouse.append("sample.seed_commitment", partition, row)
    _published(period, digest)
    return receipt


def committed_hash(period: Period) -> str:
    """Look up the SHA-256 that a round is committed to."""
    return str(warehouse.read("sample/seed_commitment.sql", **_partition(period))["seed_sha256"].iloc[0])


def _chosen_seed(period: Period) -> str:
    said = str(law.section("sampling", period)["draw_seed"])
    kept = _secret_file(period)
    if said != DRAWN_BY_LOT:
        return f"{said}|{period}"
    # A crash between keeping and committing must not draw a second seed.
    return kept.read_text(encoding="utf-8") if kept.exists() else secrets.token_hex(SEED_BYTES)


def _keep_secret(period: Period, seed: str) -> None:
    path = _secret_file(period)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_suffix(".part")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(seed)
    half.replace(path)


def _secret_file(period: Period) -> Path:
    return settings().home / "secrets" / f"draw-seed-{period}"


def _published(period: Period, digest: str) -> None:
    path = _folder(period) / COMMITMENT_FILE
    _write(path, f"{digest}  draw-seed-{period}\n".encode())


def _seed(period: Period) -> str:
    """Read the seed that was committed to.

    Raises:
        SeedMismatch: what is kept is not it.
        SettingWrong: it is lost, or nothing was committed to.
    """
    standing = warehouse.read("sample/seed_commitment.sql", **_partition(period))
    path = _secret_file(period)
    if standing.empty or not path.exists():
        raise SettingWrong(
            place=f"seed of {period}",
            found="no commitment" if standing.empty else f"no {path}",
            wanted="the seed that was committed to",
            remedy="Run `payesh sample commit` first; or bring the file of the seed back.",
        )
    seed = path.read_text(encoding="utf-8")
    if certificate.seed_hash(seed) != standing["seed_sha256"].iloc[0]:
        raise SeedMismatch(
            place=str(path),
            found=f"a seed of SHA-256 {certificate.seed_hash(seed)[:16]}…",
            wanted=f"that of {str(standing['seed_sha256'].iloc[0])[:16]}…, which was committed to",
            remedy="Bring the file of the committed seed back; no other may be drawn with.",
        )
    return seed


# the draw ----------------------------------------------------------------------------------------


@task(task_run_name="draw-plans-{period}", cache_policy=NO_CACHE)
def draw_plans(period: Period) -> Receipt:
    """Draw the plans to inspect, their reserve and who is inspected again; drawing again draws the same ones."""
    partition = _partition(period)
    rules, seed = law.section("sampling", period), _seed(period)
    drawn = sample.draw_plans(_frame(period), rules, seed, *_coordinated(period, rules))
    expected = sample.expected_precision(drawn, rules)
    again = sample.draw_reinspections(drawn.drawn, rules, seed).assign(**partition)
    with warehouse.transaction() as connection:
        for table, rows in (
            ("allocation", drawn.allocation),
            ("expected_precision", expected),
            ("reserve_plan", drawn.reserve),
            ("reinspected_plan", again),
        ):
            warehouse.replace(f"sample.{table}", partition, rows.assign(**partition), within=connection)
        receipt = warehouse.replace("sample.drawn_plan", partition, drawn.drawn.assign(**partition), connection)
    _show_expected(period, drawn.allocation, expected)
    return receipt


def _coordination(moved: pd.Series | None, root_seed: str) -> dict[str, Any] | None:
    """State in a certificate what a round was coordinated by."""
    return None if moved is None else {"root_seed": root_seed, "moved_on": moved.to_dict()}


def _coordinated(period: Period, rules: Mapping[str, Any]) -> tuple[pd.Series | None, str]:
    """Look up the round before in the year, which a coordinated round moves on from."""
    share = sample.Design.of(rules).overlap_share
    former = Period(period.year, 1)
    if share is None or former == period or warehouse.count("sample.issued_plan", _partition(former)) == 0:
        return None, ""
    seed = str(_certificate(former)["seed"])
    drawn = warehouse.read("sample/drawn_number.sql", **_partition(former))
    # Who was released of the reserve was visited too. What is released later cannot alter a draw that was made.
    released = warehouse.read("sample/released_before.sql", **_partition(former), next_phase=period.phase)
    released = released.assign(random_number=sample.random_numbers(released["plan_id"], seed))
    return sample.moved_on(pd.concat([drawn, released]), share), seed


def _show_expected(period: Period, strata: pd.DataFrame, expected: pd.DataFrame) -> None:
    bound = strata["binding_bound"].value_counts().to_dict()
    half_width = (196 * expected["standard_error"]).round(2)
    columns = ["unit_code", "population_count", "sample_count", "binding_bound"]
    table = expected[columns].assign(half_width_points=half_width)
    create_table_artifact(
        key=f"expected-precision-{period}",
        table=json.loads(table.to_json(orient="records")),
        description=f"What the draw of {period} will know, by the planning shares of the guideline;"
        f" strata at a bound: {', '.join(f'{name} {count}' for name, count in sorted(bound.items()))}",
    )


# issue -------------------------------------------------------------------------------------------


@task(task_run_name="issue-sample-{period}", cache_policy=NO_CACHE)
def issue_sample(period: Period) -> Receipt:
    """Freeze the sample with its certificate, and hand the list out to the inspectors."""
    partition = _partition(period)
    rules = law.section("sampling", period)
    rows = Rowset("sample/issued_plan.sql", {**partition, "guideline": rules.version})
    written = _certified(period, rules, warehouse.read(rows.query, **rows.parameters))
    with warehouse.transaction() as connection:
        frozen = pd.DataFrame([{**partition, "certificate": written}])
        warehouse.freeze("sample.draw_certificate", partition, frozen, within=connection)
        receipt = warehouse.freeze("sample.issued_plan", partition, rows, within=connection)
    _hand_out(period)
    return receipt


def _refuse_another_list(period: Period, listed: pd.DataFrame, drawn: pd.DataFrame) -> None:
    wrong = certificate.list_differences(listed, drawn)
    if wrong:
        raise FrameMismatch(
            place=f"sample of {period}, sample.drawn_plan",
            found=str(wrong[0]),
            wanted="what frame, seed and guideline draw again",
            remedy="Run `payesh prepare` again, so that it is drawn anew before it is issued.",
        )


@task(task_run_name="find-issued-sample-{period}", cache_policy=NO_CACHE)
def find_issued_sample(period: Period) -> bool:
    """Say whether the sample of a period has been issued; its frame is closed then."""
    is_issued = warehouse.count("sample.issued_plan", _partition(period)) > 0
    if is_issued:
        refuse_altered_frame(period)
        # A crash between freezing and handing out must not leave the inspectors without a list.
        _hand_out(period)
    return is_issued


def refuse_altered_frame(period: Period) -> None:
    """Refuse to go on where the frame is no longer the one an issued sample was drawn from.

    Raises:
        FrameMismatch: naming both hashes.
    """
    certified = _certificate(period)["frame"]
    found = certificate.hashed(_frame(period), certificate.FRAME_COLUMNS)
    if found["sha256"] != certified["sha256"]:
        raise FrameMismatch(
            place=f"frame of {period}, frame.eligible_plan",
            found=f"{found['rows']:,} plans, SHA-256 {found['sha256'][:16]}…: altered after the sample was issued",
            wanted=f"{certified['rows']:,} plans, SHA-256 {certified['sha256'][:16]}…, as certified",
            remedy=f"Bring back {_folder(period) / FRAME_FILE}; `payesh sample verify` says where they differ.",
        )


# the reserve -------------------------------------------------------------------------------------


def reserve_state(period: Period) -> pd.DataFrame:
    """Say what stands in reserve by stratum, and how far the list is there; see sample/reserve_state.sql."""
    _refuse_unissued(period)
    return warehouse.read("sample/reserve_state.sql", **_partition(period))


def release_reserve(period: Period, counts: Mapping[str, int]) -> int:
    """Release the first plans of a reserve, so that in all so many of a stratum are out; releasing again does nothing.

    Args:
        period: of the round, whose list has been issued.
        counts: stratum_code -> plans released in all.

    Returns:
        How many were released now.

    Raises:
        SettingWrong: nothing was issued, or fewer are asked for than are out already.
        FrameMismatch: more are asked for than stand in reserve; the frame has been altered since.
    """
    _refuse_unissued(period)
    refuse_altered_frame(period)
    partition = _partition(period)
    reserve = warehouse.read("sample/reserve_plan.sql", **partition)
    out = reserve[reserve["released_on"].notna()].groupby("stratum_code").size()
    wanted = pd.Series(counts, dtype=np.int64)
    _refuse_taking_back(wanted, out.reindex(wanted.index, fill_value=0))
    listed = warehouse.read("sample/issued_probability.sql", **partition)
    every = sample.released_probabilities(listed, reserve, out.astype(np.int64).combine(wanted, max, fill_value=0))
    new = reserve[reserve["plan_id"].isin(every["plan_id"]) & reserve["released_on"].isna()]
    rows = new[["plan_id"]].assign(**partition, released_on=settings().today)
    warehouse.append("sample.released_plan", partition, rows)
    return len(new)


def _refuse_unissued(period: Period) -> None:
    if warehouse.count("sample.issued_plan", _partition(period)) == 0:
        raise SettingWrong(
            place=f"sample of {period}",
            found="no issued list",
            wanted="a list whose reserve stands behind it",
            remedy=f"Run `payesh prepare {period.year} --phase {period.phase}` first.",
        )


def _refuse_taking_back(wanted: pd.Series, out: pd.Series) -> None:
    if (wanted < out).any():
        code = str((wanted < out).idxmax())
        raise SettingWrong(
            place=f"reserve, stratum {code}",
            found=f"{wanted[code]} plans to release in all",
            wanted=f"at least {out[code]}, which are out already",
            remedy="Released plans are visited: none is taken back.",
        )


# verification ------------------------------------------------------------------------------------


def verify(path: Path, with_store: bool = True) -> list[certificate.Difference]:
    """Draw again by a certificate, and say where the frame, the draw or the issued list differ from it.

    Args:
        path: the certificate; frame, list and the commitment to the seed are looked for beside it.
        with_store: hold it against the frame and the issued list of the warehouse, not only against the files.

    Raises:
        CertificateWrong: it cannot be read, or the frame is not beside it.
    """
    written = _read_certificate(path)
    try:
        return _verified(path, written, with_store)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CertificateWrong(
            place=str(path),
            found=f"parts that cannot be drawn from again ({type(error).__name__}: {error})",
            wanted="a certificate, a frame and a list as they were written",
        ) from error


def _verified(path: Path, written: dict[str, Any], with_store: bool) -> list[certificate.Difference]:
    frame_file = path.parent / FRAME_FILE
    if not frame_file.exists() and not with_store:
        raise CertificateWrong(
            place=str(path), found=f"no {frame_file.name} beside it", wanted="the frame that it was drawn from"
        )
    found: list[certificate.Difference] = []
    if frame_file.exists():
        issued, published = path.parent / LIST_FILE, path.parent / COMMITMENT_FILE
        rows = pd.read_csv(issued, dtype={"plan_id": str, "stratum_code": str}) if issued.exists() else None
        committed = published.read_text(encoding="utf-8").split()[0] if published.exists() else None
        kept = path.parent / RESERVE_FILE
        reserve = pd.read_csv(kept, dtype={"plan_id": str, "stratum_code": str}) if kept.exists() else None
        found += certificate.differences(written, _read_frame(frame_file), rows, committed, reserve=reserve)
    if with_store:
        period = Period.parse(str(written["period"]))
        issued_rows = warehouse.read("sample/issued_probability.sql", **_partition(period))
        standing = warehouse.read("sample/seed_commitment.sql", **_partition(period))
        committed = None if standing.empty else str(standing["seed_sha256"].iloc[0])
        versions = warehouse.read("sample/issued_guideline.sql", **_partition(period))["guideline"]
        in_force = law.section("sampling", period)
        # Another guideline may be in force by now: only that of the certified version can say its values.
        values = _plain(in_force) if in_force.version == written["guideline"]["version"] else None
        version = ", ".join(versions) or None
        reserve = warehouse.read("sample/reserve_plan.sql", **_partition(period))
        repeated = warehouse.read("sample/reinspection_probability.sql", **_partition(period))
        stored = certificate.differences(
            written, _frame(period), issued_rows, committed, version, values, reserve, repeated
        )
        certified = Section("sampling, of the certificate", str(period), written["guideline"]["values"], ())
        former = _coordination(*_coordinated(period, certified))
        stored += certificate.coordination_differences(written["coordination"], former)
        found += [certificate.Difference(f"warehouse, {one.place}", one.certified, one.found) for one in stored]
    return found


def not_at_hand(path: Path) -> list[str]:
    """List what a certificate was not held against, since it does not lie beside it."""
    return [name for name in (FRAME_FILE, LIST_FILE, COMMITMENT_FILE) if not (path.parent / name).exists()]


def _certified(period: Period, rules: Section, listed: pd.DataFrame) -> str:
    """Draw once more and certify that, if it is the list that is to be issued."""
    frame, seed = _frame(period), _seed(period)
    moved, root = _coordinated(period, rules)
    drawn = sample.draw_plans(frame, rules, seed, moved, root)
    _refuse_another_list(period, listed, drawn.drawn)
    again = sample.draw_reinspections(drawn.drawn, rules, seed)
    guideline = {"version": rules.version, "values": _plain(rules)}
    made = certificate.certify(str(period), seed, frame, guideline, drawn, again, _coordination(moved, root))
    return json.dumps(made, ensure_ascii=False, sort_keys=True)


def _plain(rules: Section) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(dict(rules), default=str))
    return values


def _certificate(period: Period) -> dict[str, Any]:
    rows = warehouse.read("sample/draw_certificate.sql", **_partition(period))
    if rows.empty:
        raise CertificateWrong(
            place=f"sample of {period}", found="no draw certificate", wanted="one that was frozen with the sample"
        )
    found: dict[str, Any] = json.loads(rows["certificate"].iloc[0])
    return found


def _read_certificate(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CertificateWrong(
            place=str(path), found=str(error), wanted="a draw certificate, such as draw_certificate.json"
        ) from error
    if not isinstance(found, dict) or not certificate.PARTS <= found.keys():
        missing = sorted(certificate.PARTS - set(found)) if isinstance(found, dict) else sorted(certificate.PARTS)
        raise CertificateWrong(
            place=str(path), found=f"no {', '.join(missing)}", wanted="a draw certificate with all of its parts"
        )
    return found


def _read_frame(path: Path) -> pd.DataFrame:
    texts = {name: str for name in certificate.FRAME_COLUMNS if name not in ("loan_paid_rial", "risk_score")}
    try:
        return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"risk_score": [""]})
    except (OSError, EOFError, ValueError) as error:
        raise CertificateWrong(
            place=str(path), found=str(error), wanted="the frame as it was written, gzip of CSV"
        ) from error


def _frame(period: Period) -> pd.DataFrame:
    return warehouse.read("sample/eligible_plan.sql", **_partition(period))


def _hand_out(period: Period) -> None:
    written = write_lists(period)
    create_markdown_artifact(
        key=f"draw-certificate-{period}",
        markdown=f"## Draw certificate of {period}\n\n| | |\n|---|---|\n"
        f"| seed | `{written['seed']}` |\n| SHA-256 of the seed, committed before | `{written['seed_sha256']}` |\n"
        f"| frame | {written['frame']['rows']:,} plans, `{written['frame']['sha256']}` |\n"
        f"| issued list | {written['list']['rows']:,} plans, `{written['list']['sha256']}` |\n"
        f"| guideline | {written['guideline']['version']} |\n\n"
        f"`payesh sample verify {_folder(period) / 'draw_certificate.json'}` draws again.",
    )


def write_lists(period: Period) -> dict[str, Any]:
    """Write the lists that are handed out, and the certificate with what it is held against; give the certificate."""
    partition, folder = _partition(period), settings().outbox / str(period)
    rows = warehouse.read("sample/issued_list.sql", **partition)
    _write(folder / "issued_plan.csv", rows.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    again = warehouse.read("sample/reinspection_list.sql", **partition)
    _write(folder / "reinspection.csv", again.to_csv(index=False, lineterminator="\n").encode("utf-8"))
    written = _certificate(period)
    _write(
        _folder(period) / "draw_certificate.json",
        (json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8"),
    )
    frame = certificate.canonical_csv(_frame(period), certificate.FRAME_COLUMNS)
    # A fixed time: the same frame has the same bytes.
    _write(_folder(period) / FRAME_FILE, gzip.compress(frame, mtime=0))
    issued = warehouse.read("sample/issued_probability.sql", **partition)
    _write(_folder(period) / LIST_FILE, certificate.canonical_csv(issued, certificate.LIST_COLUMNS))
    reserve = warehouse.read("sample/reserve_plan.sql", **partition)
    if len(reserve):
        columns = (*certificate.RESERVE_COLUMNS, "released_on")
        _write(_folder(period) / RESERVE_FILE, certificate.canonical_csv(reserve, columns))
    return written


def _folder(period: Period) -> Path:
    return settings().home / "certificates" / str(period)


def _write(path: Path, content: bytes) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_bytes(content)
    half.replace(path)


def _partition(period: Period) -> dict[str, int]:
    return {"year": period.year, "phase": period.phase}
