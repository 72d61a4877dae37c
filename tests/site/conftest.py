import json

import pandas as pd
import pytest

from tasks.edges.site import archive

PAGE = (
    '<!doctype html>\n<html lang="fa"><head><title>{title}</title></head>\n<body class="nation">\n'
    "<main>{title}</main></body></html>"
)
NAMES = {"IR": "کشور", "03": "آذربایجان شرقی", "0303": "تبریز"}


def figures(shift=0.0):
    """Two indicators of three units, one figure of them withheld."""
    rows = [
        ("accuracy_rate", basis, level, unit, domain, 0.7 + shift, 0.6, 0.8, 7.0, 10.0, 10, None)
        for basis in ("counted", "estimated")
        for level, unit in (("nation", "IR"), ("province", "03"), ("county", "0303"))
        for domain in ("all", "agency=P01")
    ]
    rows.append(("confirmed_plan_count", "counted", "county", "0303", "all", None, None, None, None, None, None, "c"))
    columns = ["indicator", "basis", "level", "unit_code", "domain", "estimate", "lower", "upper", "numerator",
               "denominator", "n", "mark"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(
        indicator_name_fa=table["indicator"].map({"accuracy_rate": "نرخ صحت", "confirmed_plan_count": "تأییدشده"}),
        measure_unit=table["indicator"].map({"accuracy_rate": "share", "confirmed_plan_count": "plans"}),
        domain_name_fa=table["domain"].map({"all": "همه", "agency=P01": "دستگاه نمایشی ۱"}),
        unit_name_fa=table["unit_code"].map(NAMES),
    )


@pytest.fixture
def bulletins(tmp_path):
    return tmp_path / "bulletins"


@pytest.fixture
def edition(bulletins):
    """Print an edition of a period as the archive keeps it."""

    def printed(
        cutoff="2026-10-23",
        year=1403,
        number=1,
        kind="provisional",
        supersedes=None,
        reasons=(),
        agency="دستگاه نمایشی ۱",
    ):
        folder = bulletins / str(year) / "1" / cutoff
        (folder / archive.DATA).mkdir(parents=True)
        for stem in ("national", "province-03", "county-0303", "agency-P01"):
            title = f"بولتن {stem} {cutoff}"
            (folder / f"{stem}-{year}-1.html").write_text(PAGE.format(title=title), encoding="utf-8")
            (folder / f"{stem}-{year}-1.pdf").write_bytes(b"%PDF-" + stem.encode())
        figures(number / 100).to_parquet(folder / archive.DATA / "figures.parquet", index=False)
        (folder / archive.DATA / "datapackage.json").write_text(json.dumps({"name": cutoff}), encoding="utf-8")
        files = [{"dcat:downloadURL": {"@id": name}} for name in ("figures.parquet", "datapackage.json")]
        entry = {"@id": "./", "@context": {}, "dcat:landingPage": {"@id": "/"}, "dcat:distribution": files}
        (folder / archive.DATA / "dcat.jsonld").write_text(json.dumps(entry), encoding="utf-8")
        about = {
            "year": year, "phase": 1, "cutoff": cutoff, "number": number, "kind": kind, "released_on": cutoff,
            "next_release_on": "2027-01-20", "supersedes": supersedes, "reasons": list(reasons),
            "is_rehearsal": True, "contact": "دبیرخانه", "agencies": {"P01": agency},
        }  # fmt: skip
        (folder / archive.ABOUT).write_bytes(archive.about_text(about))
        return folder

    return printed
