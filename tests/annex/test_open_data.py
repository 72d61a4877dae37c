"""Open data as others read it: by frictionless, pysdmx, pyarrow and the standard library."""

import csv
import hashlib
import io
import json
import resource
import shutil
from contextlib import contextmanager

import frictionless
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from invented_figures import FORMULA, LONG_NAME, SCRIPT, at, edition, figures_of
from pysdmx.io import read_sdmx

from tasks.edges.annex import dcat, marks, open_data, table

FIGURES = figures_of()
HIDDEN = at(FIGURES, "violation_plan_count"), at(FIGURES, "accuracy_rate", basis="estimated", domain="sex=male")


def weakened():
    """One figure confidential, one too weak, one without meaning."""
    quality = FIGURES["quality"].mask(HIDDEN[1], "withheld")
    nothing = at(FIGURES, "sustained_24_month_rate", unit="00")
    quality = quality.mask(nothing, "undefined")
    parts = {name: FIGURES[name].mask(nothing, 0.0) for name in ("numerator", "denominator")}
    estimate = FIGURES["estimate"].mask(nothing, np.nan)
    return FIGURES.assign(is_suppressed=HIDDEN[0], quality=quality, estimate=estimate, **parts)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edition") / "data"
    open_data.write(folder, marks.publish(weakened(), edition()))
    return folder


def read_csv(path):
    return pd.read_csv(path, dtype={"unit_code": str, "phase": int}, keep_default_na=False, na_values=[""])


def read_json(path):
    header, *rows = json.loads(path.read_text(encoding="utf-8"))
    return pd.DataFrame(rows, columns=header)


def test_frictionless_finds_nothing_wrong(written):
    report = frictionless.validate(str(written / "datapackage.json"))
    assert report.flatten(["title", "message"]) == []
    names = {task.name for task in report.tasks}
    assert {"figures", "figures-json", "figures-parquet", "figures-sdmx", "units"} <= names


@pytest.mark.parametrize(
    ("name", "old", "new", "kind"),
    [
        ("figures.json", '"06"', '"07"', "hash-count"),
        ("figures.csv", '"06"', '"07"', "hash-count"),
        ("figures.parquet", None, None, "byte-count"),
    ],
)
def test_frictionless_sees_a_file_that_was_tampered_with(written, tmp_path, name, old, new, kind):
    folder = shutil.copytree(written, tmp_path / "data")
    path = folder / name
    if old:
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    else:
        path.write_bytes(path.read_bytes() + b"x")
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert kind in {error[0] for error in report.flatten(["type"])}


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ('"accuracy_rate"', '"happiness"', "foreign-key"),
        ('"counted"', '"guessed"', "constraint-error"),
        ('"issued_plan_count"', '"eligible_plan_count"', "primary-key"),
    ],
)
def test_keys_and_value_lists_hold_the_figures(written, tmp_path, old, new, kind):
    folder = shutil.copytree(written, tmp_path / "data")
    path = folder / "figures.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    figures = package["resources"][0]
    figures["bytes"] = path.stat().st_size
    figures["hash"] = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    (folder / "datapackage.json").write_text(json.dumps(package), encoding="utf-8")
    report = frictionless.validate(str(folder / "datapackage.json"))
    assert kind in {error[0] for error in report.flatten(["type"])}


def test_csv_json_and_parquet_hold_the_same_figures(written):
    tidy, lean = read_csv(written / "figures.csv"), read_json(written / "figures.json")
    columns = pyarrow.parquet.read_table(written / "figures.parquet").to_pandas()
    assert len(tidy) == len(lean) == len(columns) == len(FIGURES)
    for name in lean:
        if name == "exclusions":
            assert [None if pd.isna(text) else json.loads(text) for text in tidy[name]] == lean[name].tolist()
        else:
            pd.testing.assert_series_equal(tidy[name], lean[name], check_dtype=False, check_names=False)
        if name not in ("exclusions", "cutoff"):
            pd.testing.assert_series_equal(columns[name], lean[name], check_dtype=False, check_names=False)


def test_a_figure_is_as_it_was_frozen_to_the_last_bit(written):
    lean = read_json(written / "figures.json").set_index(["indicator", "basis", "unit_code", "domain"])
    frozen = FIGURES.set_index(["indicator", "basis", "unit_code", "domain"])
    key = ("deviation_rate", "estimated", "0601", "all")
    names = ["numerator", "denominator", "n", "estimate", "standard_error", "lower", "upper"]
    assert lean.loc[key, names].tolist() == frozen.loc[key, names].tolist()


def test_codes_carry_their_names(written):
    rows = read_csv(written / "figures.csv")
    row = rows[rows["unit_code"].eq("06") & rows["domain"].eq("sex=female")].iloc[0]
    assert (row["unit_name_fa"], row["unit_name_en"], row["domain_name_fa"]) == ("خوزستان", "Khuzestan", "زن")
    assert row["is_rehearsal"]
    domains = read_csv(written / "domains.csv").set_index("domain")
    assert domains.loc["activity=A", "name_en"] == "Agriculture, forestry and fishing"
    assert domains.loc["budget_note=15", "name_fa"] == "15"
    assert domains.loc["sex=unknown", "name_fa"] == "نامعلوم"
    assert domains.loc["agency=P01", "name_fa"] == LONG_NAME
    units = pd.read_csv(written / "units.csv", dtype=str)
    assert units["level"].value_counts().to_dict() == {"county": 482, "province": 31, "nation": 1}


def test_pysdmx_reads_the_same_observations_back(written):
    (dataset,) = read_sdmx(written / "figures.sdmx.csv").data
    assert dataset.structure == "Dataflow=PAYESH:REHEARSAL_FIGURE(1.0)"
    found = dataset.data.sort_values(["REF_AREA", "INDICATOR", "BASIS", "DOMAIN", "DOMAIN_VALUE"], ignore_index=True)
    tidy = read_csv(written / "figures.csv")
    split = tidy["domain"].str.split("=", expand=True).fillna("_T")
    split.loc[tidy["domain"] == "all", 0] = "_T"
    tidy = tidy.assign(
        REF_AREA=tidy["unit_code"].map(lambda code: code if code == "IR" else f"IR-{code}"),
        DOMAIN=split[0], DOMAIN_VALUE=split[1],
    )  # fmt: skip
    tidy = tidy.sort_values(["REF_AREA", "indicator", "basis", "DOMAIN", "DOMAIN_VALUE"], ignore_index=True)
    assert found["REF_AREA"].tolist() == tidy["REF_AREA"].tolist()
    assert found["DOMAIN_VALUE"].tolist() == tidy["DOMAIN_VALUE"].tolist()
    for theirs, ours in {"OBS_VALUE": "estimate", "NUMERATOR": "numerator", "LOWER": "lower", "N": "n"}.items():
        numbers = np.array([float(text) if text else np.nan for text in found[theirs]])
        np.testing.assert_array_equal(numbers, tidy[ours].to_numpy(dtype=float))
    assert found["EXCLUSIONS"].tolist() == tidy["exclusions"].fillna("").tolist()
    assert set(found["TIME_PERIOD"]) == {"2024-03-20/P1Y"}


def test_sdmx_says_why_an_observation_has_no_value(written):
    (dataset,) = read_sdmx(written / "figures.sdmx.csv").data
    rows = dataset.data
    empty = rows[rows["OBS_VALUE"] == ""].groupby("MARK")[["OBS_STATUS", "CONF_STATUS"]].first()
    assert empty.to_dict("index") == {
        "c": {"OBS_STATUS": "Q", "CONF_STATUS": "C"},
        "u": {"OBS_STATUS": "U", "CONF_STATUS": "F"},
        "z": {"OBS_STATUS": "M", "CONF_STATUS": "F"},
    }
    assert set(rows.loc[rows["OBS_VALUE"] != "", "OBS_STATUS"]) == {"P"}


def test_made_up_figures_are_a_data_flow_of_their_own(tmp_path):
    open_data.write(tmp_path / "data", marks.publish(FIGURES, edition(is_rehearsal=False)))
    (dataset,) = read_sdmx(tmp_path / "data" / "figures.sdmx.csv").data
    assert dataset.structure == "Dataflow=PAYESH:FIGURE(1.0)"
    assert (
        "ساختگی" not in json.loads((tmp_path / "data" / "datapackage.json").read_text(encoding="utf-8"))["description"]
    )


def test_no_file_tells_a_number_that_may_not_be_told(written):
    gone = FIGURES[HIDDEN[0] | HIDDEN[1]]
    secret = gone[["estimate", "standard_error", "lower", "upper"]].to_numpy(dtype=float).ravel()
    texts = {path.name: path.read_text(encoding="utf-8") for path in written.iterdir() if path.suffix != ".parquet"}
    columns = pyarrow.parquet.read_table(written / "figures.parquet").to_pandas()
    texts["figures.parquet"] = columns.to_csv()
    for number in secret[~np.isnan(secret)]:
        for name, text in texts.items():
            assert repr(number).removesuffix(".0") not in text, (name, number)
    # The check itself sees a number that is told.
    told = FIGURES.loc[at(FIGURES, "violation_plan_count", unit="00"), "estimate"].item()
    assert all(str(int(told)) in texts[name] for name in texts if name.startswith("figures"))


def test_a_text_that_looks_like_a_formula_is_made_a_text_in_csv_alone(written):
    rows = list(csv.DictReader(io.StringIO((written / "domains.csv").read_text(encoding="utf-8"))))
    names = {row["domain"]: row["name_fa"] for row in rows}
    assert names["agency=P02"] == "'" + FORMULA
    assert names["bank=B01"] == SCRIPT
    columns = pyarrow.parquet.read_table(written / "figures.parquet", columns=["domain_name_fa"]).to_pandas()
    assert FORMULA in set(columns["domain_name_fa"])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_beginning_of_a_formula_is_guarded_and_numbers_are_not(tmp_path, start):
    rows = pd.DataFrame({"name": [f"{start}1", "1"], "other": ["a", None]})
    whole = table.of_frame(rows).append_column("number", pyarrow.array([-1.5, 2.0]))
    table.write_csv(tmp_path / "some.csv", whole)
    with (tmp_path / "some.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert found == [
        {"name": f"'{start}1", "other": "a", "number": "-1.5"},
        {"name": "1", "other": "", "number": "2"},
    ]


def test_same_figures_same_bytes_whatever_their_order(written, tmp_path):
    shuffled = weakened().sample(frac=1, random_state=7)
    shuffled["exclusions"] = [json.loads(text) for text in shuffled["exclusions"]]
    again = open_data.write(tmp_path / "data", marks.publish(shuffled, edition()))
    assert [path.name for path in again] == sorted(path.name for path in written.iterdir())
    for path in again:
        assert path.read_bytes() == (written / path.name).read_bytes(), path.name


def test_the_catalogue_entry_says_what_the_files_are(written):
    entry = json.loads((written / "dcat.jsonld").read_text(encoding="utf-8"))
    assert entry["@type"] == "dcat:Dataset"
    assert entry["dct:temporal"]["dcat:startDate"]["@value"] == "2024-03-20"
    named = {one["dcat:downloadURL"]["@id"] for one in entry["dcat:distribution"]}
    assert named == {path.name for path in written.iterdir()} - {"dcat.jsonld"}
    for one in entry["dcat:distribution"]:
        content = (written / one["dcat:downloadURL"]["@id"]).read_bytes()
        if "spdx:checksum" in one:
            assert one["spdx:checksum"]["spdx:checksumValue"]["@value"] == hashlib.sha256(content).hexdigest()
            assert one["dcat:byteSize"]["@value"] == str(len(content))
    prefixes = {key.partition(":")[0] for key in entry if not key.startswith("@")}
    assert prefixes <= set(entry["@context"])


def test_a_catalogue_holds_entries_by_their_address(written):
    package = json.loads((written / "datapackage.json").read_text(encoding="utf-8"))
    entry = dcat.entry(package, edition(), "1403/1/2026-10-23/data/")
    found = dcat.catalogue([entry], "داده‌های باز پایش اشتغال", "دبیرخانه")
    (dataset,) = found["dcat:dataset"]
    assert dataset["@id"] == "1403/1/2026-10-23/data/"
    assert "@context" not in dataset
    assert "1403/1/2026-10-23/data/figures.csv" in json.dumps(dataset)


@contextmanager
def disk_of(byte_count):
    """No file grows beyond so many bytes: what a full disk does to the one who writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte_count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("is_there", [True, False])
def test_a_full_disk_leaves_what_stood_there_or_nothing(written, tmp_path, is_there):
    folder = tmp_path / "data"
    if is_there:
        shutil.copytree(written, folder)
    with disk_of(100_000), pytest.raises(OSError, match="File too large"):
        open_data.write(folder, marks.publish(FIGURES, edition()))
    assert [path.name for path in tmp_path.iterdir()] == (["data"] if is_there else [])
    if is_there:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
            path.name: path.read_bytes() for path in written.iterdir()
        }


def test_what_a_stop_left_half_done_does_not_stay(written, tmp_path):
    (tmp_path / "data.part").mkdir()
    (tmp_path / "data.part" / "figures.csv").write_text("half", encoding="utf-8")
    shutil.copytree(written, tmp_path / "data")
    (tmp_path / "data" / "of_before.csv").write_text("gone", encoding="utf-8")
    open_data.write(tmp_path / "data", marks.publish(weakened(), edition()))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == sorted(
        path.name for path in written.iterdir()
    )


def test_two_values_that_sdmx_cannot_tell_apart_are_told_apart(tmp_path):
    figures = figures_of(provinces=("00",), counties=(), domains=("bank=بانک ملی", "bank=بانک ملت"))
    open_data.write(tmp_path / "data", marks.publish(figures, edition()))
    (dataset,) = read_sdmx(tmp_path / "data" / "figures.sdmx.csv").data
    assert dataset.data["DOMAIN_VALUE"].nunique() == 3
    assert dataset.data["DOMAIN_VALUE"].str.fullmatch(r"[A-Za-z0-9_@$-]+").all()


def test_what_is_unknown_closes_its_dimension(tmp_path):
    figures = figures_of(provinces=("00",), counties=(), domains=("bank=unknown", "bank=zeta", "agency=P01"))
    open_data.write(tmp_path / "data", marks.publish(figures, edition()))
    domains = read_csv(tmp_path / "data" / "domains.csv")["domain"].tolist()
    assert domains == ["all", "agency=P01", "bank=zeta", "bank=unknown"]


def test_an_edition_without_figures_is_whole_all_the_same(tmp_path):
    open_data.write(tmp_path / "data", marks.publish(FIGURES.head(0), edition()))
    assert len(read_csv(tmp_path / "data" / "figures.csv")) == 0
    assert frictionless.validate(str(tmp_path / "data" / "datapackage.json")).valid


def test_the_edition_is_cited_by_the_programme_once(written):
    package = json.loads((written / "datapackage.json").read_text(encoding="utf-8"))
    assert package["citation"] == "طرح پایش اشتغال کشور، سال ۱۴۰۳، دورهٔ ۱، داده‌های رسیده تا ۱ آبان ۱۴۰۵."
