import json
from pathlib import Path

import pytest

from tasks.edges import forms

SUITES = Path(__file__).parents[2] / "expectations"
ANSWERED = [
    *sorted(SUITES.glob("form/*.json")),
    *(SUITES / "gate" / f"{n}.json" for n in ("landing", "staging", "across", "change")),
]


@pytest.mark.parametrize("path", ANSWERED, ids=lambda path: path.stem)
def test_every_expectation_an_agency_reads_is_said_in_persian(path):
    for expectation in json.loads(path.read_text(encoding="utf-8"))["expectations"]:
        assert expectation["severity"] in ("critical", "warning", "info")
        assert {"label", "label_fa", "threshold_fa"} <= set(expectation["meta"])


@pytest.mark.parametrize("form", forms.load_all().values(), ids=lambda form: form.form)
def test_every_form_has_a_suite_over_its_own_columns(form):
    suite = json.loads((SUITES / "form" / f"{form.form}.json").read_text(encoding="utf-8"))
    for expectation in suite["expectations"]:
        kwargs = dict(expectation["kwargs"])
        listed = set(kwargs.pop("column_list", ()))
        named = {value for name, value in kwargs.items() if name.startswith("column")}
        assert named | listed <= set(form.staging_types)
