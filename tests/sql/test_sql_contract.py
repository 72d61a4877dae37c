import re
from pathlib import Path

import pytest

SQL = Path(__file__).parents[2] / "sql"
FILES = sorted(path for path in SQL.glob("*/*.sql") if path.parent.name != "migrations")
# Word for word: a later stage's table, of earlier periods, whose verdicts were given before this one began.
EARLIER = " (earlier periods)"
SCHEMAS = "reference|control|landing|staging|frame|sample|inspection|estimate|finding|decision|bulletin"


def contract(path):
    head, _, body = path.read_text(encoding="utf-8").partition("\n-- writes:")
    # A list too long for its line goes on in the next.
    reads = re.search(r"^-- reads:\s*(.*)\Z", head.replace("\n--        ", " "), re.M)
    assert reads, f"{path} has no reads: line"
    return {name.strip() for name in reads.group(1).split(",") if name.strip()}, body


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_reads_what_its_contract_says(path):
    stated, body = contract(path)
    body = re.sub(r"--.*", "", body)
    found = set(re.findall(rf"(?:from|join)\s+((?:{SCHEMAS})\.[a-z_]+)", body))
    temporary = set(re.findall(r"(?:from|join)\s+(conformed|candidate|desk_fact)\b", body))
    assert {name.removesuffix(EARLIER) for name in stated} - {"pg_index"} == found | temporary


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_reads_its_own_and_earlier_stages_only(path):
    order = SCHEMAS.split("|")
    stated, _ = contract(path)
    later = [
        name
        for name in stated
        if "." in name
        and not name.endswith(EARLIER)
        and order.index(name.split(".")[0]) > order.index(path.parent.name)
    ]
    assert not later


def test_what_is_read_of_earlier_periods_is_of_earlier_years_only():
    marked = {}
    for path in FILES:
        stated, body = contract(path)
        for name in (one.removesuffix(EARLIER) for one in stated if one.endswith(EARLIER)):
            marked[path.name] = name
            every = re.findall(rf"{re.escape(name)}\b", body)
            bounded = re.findall(rf"from {re.escape(name)} where year < :year and year >= :first_year\b", body)
            assert len(every) == len(bounded) == 1
    # The one loop of a stage to a later one that there is; each file more is a decision.
    assert marked == dict.fromkeys(["risk_history.sql", "risk_training.sql"], "inspection.verdict")
