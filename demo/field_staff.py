"""The invented inspectors of the firms, those who inspect again, and what ties some of them to plans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from demo import chance, population
from demo.scenario import Scenario

# As many plans as one inspector manages in a round; firms have staff for all they say they can take.
PLANS_PER_INSPECTOR = 60
# The shares of the visits that provinces and the Ministry have staff to repeat.
REPEATED_SHARE = {"provincial": 0.15, "national": 0.05}
PROVINCIAL_PER_PROVINCE, NATIONAL = 2, 12
CAPITAL = "23"
TIED_SHARE = 0.01
LICENSED_UNTIL, EXPIRED = "1410/12/29", "1400/12/29"
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")

INSPECTORS = {
    "inspector_code": "کد بازرس",
    "inspector_name": "نام بازرس",
    "firm_code": "کد شرکت",
    "level": "سطح",
    "province": "کد استان",
    "county": "کد شهرستان",
    "capacity_count": "ظرفیت",
    "licensed_until": "پایان پروانه",
    "plan_kinds": "نوع طرح",
}
TIES = {
    "subject_code": "بازرس یا شرکت",
    "object_kind": "پیوند با",
    "object_code": "شناسه",
    "tie_kind": "نوع پیوند",
}
WORDS = {
    "level": {"county": "شهرستان", "provincial": "استان", "national": "کشور"},
    "plan_kinds": {"any": "همه", "self_employment": "خوداشتغالی", "enterprise": "کارفرمایی"},
    "object_kind": {"plan": "طرح", "person": "شخص", "agency": "دستگاه"},
    "tie_kind": {"introduced": "معرف", "advised": "مشاور", "kin": "خویشاوند"},
}


def inspectors(scenario: Scenario, year: int) -> pd.DataFrame:
    """Invent the inspectors, level by level: the columns of INSPECTORS, places and kinds as codes.

    A firm's inspectors are F001-01, F001-02; a province's PROV03-01; the Ministry's NAT-01. None has a point of his
    own: the centre of the county he sits in is where his ways begin.
    """
    every = pd.concat([_of_firms(scenario, year), _of_provinces(scenario, year), _of_ministry(scenario, year)])
    every = every.reset_index(drop=True)
    seed = f"{scenario.seed}|inspectors"
    every["county"] = _bases(every, seed)
    every["inspector_name"] = [f"بازرس نمایشی {number}" for number in range(1, len(every) + 1)]
    # One in a hundred beyond the first of each firm has let the licence run out; one in ten is licensed for one kind.
    is_first = every["inspector_code"].str.endswith("-01")
    lapsed = (chance.of_codes(seed, "lapsed", every["inspector_code"]) < 0.01) & ~is_first
    every["licensed_until"] = np.where(lapsed, EXPIRED, LICENSED_UNTIL)
    single = (chance.of_codes(seed, "kind", every["inspector_code"]) < 0.1) & ~is_first
    every["plan_kinds"] = np.where(single & (every["level"] == "county"), "self_employment", "any")
    return every[list(INSPECTORS)]


def ties(plans: pd.DataFrame, staff: pd.DataFrame, scenario: Scenario, year: int) -> pd.DataFrame:
    """Invent what ties inspectors to plans of their province: the columns of TIES, by subject and object.

    Args:
        plans: what the agencies deliver: plan_id, national_id, province, role, advising_firm_code.
        staff: the inspectors.
        scenario: seed.
        year: Jalali year of the plans.
    """
    seed = f"{scenario.seed}|{year}|ties"
    # A plan that a firm advised is left with one tie: a province may have no third firm.
    free = plans[(plans["role"] == "eligible") & (plans["advising_firm_code"] == "")]
    tied = free[chance.of_codes(seed, "tied", free["plan_id"]) < TIED_SHARE]
    of_province = staff[staff["level"] == "county"].groupby("province")["inspector_code"].agg(list)
    among = tied["province"].map(of_province)
    which = np.floor(chance.of_codes(seed, "subject", tied["plan_id"]) * among.str.len()).astype(int)
    subject = pd.Series([codes[one] for codes, one in zip(among, which, strict=True)], index=tied.index, dtype=object)
    kind = np.array(["introduced", "advised", "kin"], dtype=object)[
        np.floor(chance.of_codes(seed, "kind", tied["plan_id"]) * 3).astype(int)
    ]
    # Who is known by no national ID cannot be named as kin.
    kind = np.where((kind == "kin") & (tied["national_id"] == ""), "introduced", kind)
    found = pd.DataFrame(
        {
            # A plan is advised by the firm, introduced by one of its people.
            "subject_code": subject.where(kind != "advised", subject.str.split("-").str[0]),
            "object_kind": np.where(kind == "kin", "person", "plan"),
            "object_code": tied["national_id"].where(kind == "kin", tied["plan_id"]),
            "tie_kind": kind,
        }
    )
    # One of the Ministry's own came from an agency, and inspects none of its plans.
    found.loc[len(plans)] = ["NAT-01", "agency", "P01", "introduced"]
    return found.sort_values(["subject_code", "object_code"], ignore_index=True)


def write_inspectors(staff: pd.DataFrame, path: Path) -> None:
    """Write the registry of inspectors as UTF-8 CSV with Persian words and names."""
    _write(staff, INSPECTORS, path)


def write_ties(found: pd.DataFrame, path: Path) -> None:
    """Write the declared ties as UTF-8 CSV with Persian words."""
    _write(found, TIES, path)


def _write(rows: pd.DataFrame, headers: dict[str, str], path: Path) -> None:
    table = rows[list(headers)].copy()
    for column in WORDS.keys() & headers.keys():
        table[column] = table[column].map(WORDS[column])
    if "inspector_name" in table:
        table["inspector_name"] = table["inspector_name"].str.translate(PERSIAN_DIGITS)
    text = table.rename(columns=headers).to_csv(index=False, lineterminator="\r\n")
    path.write_bytes(text.encode("utf-8"))


def _of_firms(scenario: Scenario, year: int) -> pd.DataFrame:
    firms = population.firms(scenario, year)
    # Two at least, so that a colleague can step in.
    capacity = firms["capacity_count"].to_numpy(np.int64)
    count = np.maximum(2, -(-capacity // PLANS_PER_INSPECTOR))
    rows = firms.loc[firms.index.repeat(count)]
    number = rows.groupby("firm_code").cumcount() + 1
    return pd.DataFrame(
        {
            "inspector_code": rows["firm_code"] + "-" + number.astype(str).str.zfill(2),
            "firm_code": rows["firm_code"],
            "level": "county",
            "province": rows["province"],
            "capacity_count": np.repeat(-(-capacity // count), count),
        }
    )


def _of_provinces(scenario: Scenario, year: int) -> pd.DataFrame:
    share = population.counties().groupby("province_code")["weight"].sum()
    visits = scenario.year(year).supervised_plan_count * share.to_numpy() / share.sum()
    each = np.ceil(REPEATED_SHARE["provincial"] * visits / PROVINCIAL_PER_PROVINCE).astype(np.int64) + 10
    province = np.repeat(share.index.to_numpy(object), PROVINCIAL_PER_PROVINCE)
    number = np.tile(np.arange(1, PROVINCIAL_PER_PROVINCE + 1), len(share))
    return pd.DataFrame(
        {
            "inspector_code": [f"PROV{code}-{one:02d}" for code, one in zip(province, number, strict=True)],
            "firm_code": "",
            "level": "provincial",
            "province": province,
            "capacity_count": np.repeat(each, PROVINCIAL_PER_PROVINCE),
        }
    )


def _of_ministry(scenario: Scenario, year: int) -> pd.DataFrame:
    visits = scenario.year(year).supervised_plan_count
    return pd.DataFrame(
        {
            "inspector_code": [f"NAT-{number:02d}" for number in range(1, NATIONAL + 1)],
            "firm_code": "",
            "level": "national",
            "province": CAPITAL,
            "capacity_count": int(np.ceil(REPEATED_SHARE["national"] * visits / NATIONAL)) + 10,
        }
    )


def _bases(staff: pd.DataFrame, seed: str) -> np.ndarray:
    """Seat each inspector in a county of his province, the larger ones more often."""
    counties = population.counties().sort_values("county_code")
    weight = counties["weight"].to_numpy()
    end = np.cumsum(weight)
    of_province = pd.DataFrame({"province": counties["province_code"], "weight": weight, "end": end})
    bounds = of_province.groupby("province").agg(whole=("weight", "sum"), end=("end", "max"))
    mine = bounds.loc[staff["province"]]
    spot = mine["end"].to_numpy() - mine["whole"].to_numpy() * (
        1 - chance.of_codes(seed, "base", staff["inspector_code"])
    )
    place = np.searchsorted(end, spot, side="right")
    return counties["county_code"].to_numpy(object)[np.minimum(place, len(end) - 1)]
