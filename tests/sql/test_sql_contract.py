import re
from pathlib import Path

import pytest

SQL = Path(__file__).parents[2] / "sql"
FILES = sorted(path for path in SQL.glob("*/*.sql") if path.parent.name != "migrations")
SCHEMAS = "reference|control|landing|staging|frame|sample|inspection|estimate|finding|decision|bulletin"


def contract(path):
    head, _, body = path.read_text(encoding="utf-8").partition("\n-- writes:")
    reads = re.search(r"^-- reads:\s*(.*)$", head, re.M)
    assert reads, f"{path} has no reads: line"
    return {name.strip() for name in reads.group(1).split(",") if name.strip()}, body


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_reads_what_its_contract_says(path):
    stated, body = contract(path)
    body = re.sub(r"--.*", "", body)
    found = set(re.findall(rf"(?:from|join)\s+((?:{SCHEMAS})\.[a-z_]+)", body))
    temporary = set(re.findall(r"(?:from|join)\s+(conformed|candidate|desk_fact)\b", body))
    assert stated - {"pg_index"} == found | temporary


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_reads_its_own_and_earlier_stages_only(path):
    order = SCHEMAS.split("|")
    stated, _ = contract(path)
    later = [name for name in stated if "." in name and order.index(name.split(".")[0]) > order.index(path.parent.name)]
    assert not later
