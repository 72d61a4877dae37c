"""The invented people, plans and firms of a rehearsal, before any agency writes them in its own way."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from demo import chance
from demo.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "reference"

MILLION = 1_000_000
FAULTS = (
    "county_not_in_province",
    "paid_date_impossible",
    "loan_not_positive",
    "plan_kind_unknown",
    "plan_number_missing",
    "plan_number_repeated",
)
# Class codes of ISIC Rev. 4 that small loans are often given for.
ACTIVITIES = np.array(
    "0111 0113 0121 0141 0144 0146 0149 1071 1079 1392 1393 1410 1520 1622 2511 2592 3100 3212"
    " 4520 4711 4771 4923 5510 5610 6201 8549 9511 9529 9602".split()
)  # fmt: skip
# An agency that has lost some IDs: of its own plans, and of those that another agency registered first.
WITHOUT_ID_SHARE = 0.005
REPEATED_WITHOUT_ID_SHARE = 0.12
# How a second agency that has no ID writes the plan down, in turn.
REPEATED_AS = ("as it is", "name cut short", "approved a day off", "as it is")
CONTACTED_SHARE = 0.10
# Of the jobs an agency lists, the share that ends sooner or later.
ENDED_SHARE, LISTED_AFTER_DAYS = 0.35, 365 + 180
FIRST_WORKER = 300_000_000
# Invented places: the tile grid of the provinces laid over a rough box around the country, in degrees.
NORTH, SOUTH, WEST, EAST = 39.0, 26.0, 45.0, 62.0
# Plans of a county stand within some kilometres of its place [degrees from end to end].
PLACES, COUNTY_REACH = "payesh-rehearsal-places", 0.08
# The lists of 1399 and 1402 carry counties that no census has counted yet.
ACTIVE_PERSONS_IF_UNKNOWN = 12_000


def plans(scenario: Scenario, year: int) -> pd.DataFrame:
    """Invent every row the agencies deliver for a year, in one canonical writing.

    Args:
        scenario: sizes, shares and seed.
        year: Jalali year of the plans.

    Returns:
        The columns of the form loan_plan [loans in rial, dates as 1403/02/17, codes], and
        agency_code, plan_id, role (eligible, ineligible, repeated or a code of FAULTS),
        county_name, province_name, latitude, longitude; agency by agency, in the order of the agency's file.
    """
    seed = f"{scenario.seed}|{year}"
    eligible = scenario.year(year).eligible_plan_count
    shares = scenario.extra_rows
    extra = {role: round(eligible * shares[role]) for role in ("ineligible", "faulty", "repeated")}
    role = np.repeat(["eligible", "ineligible", "faulty"], [eligible, extra["ineligible"], extra["faulty"]])
    number = np.arange(len(role), dtype=np.int64)
    faulty = role == "faulty"
    role = np.where(faulty, np.array(FAULTS)[number % len(FAULTS)], role)
    rows = pd.DataFrame({"number": number, "role": role})
    _place(rows, scenario, eligible, seed)
    _locate(rows, seed)
    _name_people(rows, seed)
    _describe(rows, seed)
    _date(rows, seed, year)
    _lend(rows, seed)
    rows["agency_code"] = _agencies(rows["number"].to_numpy(), scenario, seed)
    rows["advising_firm_code"] = _advising_firms(rows, scenario, seed)
    rows = _with_repeated(rows, extra["repeated"], list(scenario.agencies), seed)
    _lose_ids(rows, seed)
    rows = _numbered(rows, seed, year)
    return _spoilt(rows, year).drop(columns=["number", "position"]).reset_index(drop=True)


def totals(plans: pd.DataFrame, agency_code: str, by_county: bool) -> pd.DataFrame:
    """Add up what an agency says it lent: every row it has written, also those nobody can read.

    Returns:
        province_name, county_name, plan_count, loan_paid_rial; the first row is the whole, without a place.
    """
    own = plans[plans["agency_code"] == agency_code]
    lent = own.assign(loan_paid_rial=own["loan_paid_rial"].abs())
    columns = ["province_name", "county_name", "plan_count", "loan_paid_rial"]
    whole = pd.DataFrame([["", "", len(lent), int(lent["loan_paid_rial"].sum())]], columns=columns)
    if not by_county:
        return whole
    known = counties().set_index("county_code")
    summed = lent.groupby("county", as_index=False)["loan_paid_rial"].agg(["size", "sum"])
    summed = summed.rename(columns={"size": "plan_count", "sum": "loan_paid_rial"})
    for name in ("province_name", "county_name"):
        summed[name] = summed["county"].map(known[name])
    return pd.concat([whole, summed[columns]], ignore_index=True)


def jobs(plans: pd.DataFrame, scenario: Scenario, year: int) -> pd.DataFrame:
    """Invent the jobs that an agency lists for its plans: when each began, and when it ended if it did.

    Returns:
        plan_number, worker_national_id, started_on, ended_on, is_insured; a row a registered job of a plan
        that the frame can hold.
    """
    seed = f"{scenario.seed}|{year}|jobs"
    own = plans[plans["role"] == "eligible"]
    count = own["registered_job_count"].to_numpy()
    rows = own.loc[own.index.repeat(count), ["plan_number", "paid_on"]].reset_index(drop=True)
    # Workers are people of their own, beyond everyone who has a plan.
    rows["worker_national_id"] = _national_ids(np.arange(len(rows)) + FIRST_WORKER, seed)
    number = np.arange(len(rows))
    day = _day_of_year(rows["paid_on"]) + np.floor(130 * chance.of_numbers(seed, "start", number)).astype(int) - 10
    lasts = np.floor(45 + 900 * chance.of_numbers(seed, "length", number)).astype(int)
    # Most jobs go on; nothing can have ended after the list was written, half a year after the plans' year.
    has_ended = (chance.of_numbers(seed, "ended", number) < ENDED_SHARE) & (day + lasts < LISTED_AFTER_DAYS)
    rows["started_on"] = jalali_text(year, day)
    rows["ended_on"] = np.where(has_ended, jalali_text(year, day + lasts), "")
    rows["is_insured"] = np.where(chance.of_numbers(seed, "insured", number) < 0.6, "1", "0")
    return rows.drop(columns="paid_on")


def _day_of_year(dates: pd.Series) -> np.ndarray:
    """Count the day of a date such as 1403/02/17 within its year, from 0; the other way round from `jalali_text`."""
    month, day = dates.str[5:7].astype(int).to_numpy(), dates.str[8:].astype(int).to_numpy()
    return np.where(month <= 7, (month - 1) * 31, 186 + (month - 7) * 30) + day - 1


def desk_contacts(plans: pd.DataFrame, scenario: Scenario, year: int) -> pd.DataFrame:
    """Invent the SMS and phone outcomes of some plans; whoever does not answer an SMS is called.

    Returns:
        contact_id, agency_code, plan_number, channel, contacted_on, outcome.
    """
    seed = f"{scenario.seed}|{year}|desk"
    own = plans[plans["role"] == "eligible"]
    own = own[chance.of_codes(seed, "contacted", own["plan_id"]) < CONTACTED_SHARE]
    sms = _contacts(own, seed, "sms", year)
    phone = _contacts(own[(sms["outcome"] == "no_answer").to_numpy()], seed, "phone", year)
    return pd.concat([sms, phone], ignore_index=True)


def _contacts(plans: pd.DataFrame, seed: str, channel: str, year: int) -> pd.DataFrame:
    drawn = chance.of_codes(seed, channel, plans["plan_id"])
    first_day = {"sms": 0, "phone": 14}[channel]
    day = first_day + np.floor(14 * chance.of_codes(seed, f"{channel} day", plans["plan_id"])).astype(np.int64)
    outcomes = np.array(["confirms", "reached", "no_answer", "wrong_number", "denies_loan"], dtype=object)
    place = np.searchsorted(np.array([0.45, 0.60, 0.90, 0.98]), drawn, side="right")
    return pd.DataFrame(
        {
            "contact_id": f"{channel}-" + plans["plan_id"].to_numpy(dtype=object),
            "agency_code": plans["agency_code"].to_numpy(),
            "plan_number": plans["plan_number"].to_numpy(),
            "channel": channel,
            "contacted_on": jalali_text(year + 1, day),
            "outcome": outcomes[place],
        }
    )


def firms(scenario: Scenario, year: int) -> pd.DataFrame:
    """Invent the consulting firms: firm_code, firm_name, province, capacity_count, by firm_code.

    Every province has two firms at least, so that no firm need check a plan it advised.
    """
    places = counties()
    weights = places.groupby("province_code")["weight"].sum()
    count = _shared_out(scenario.firm_count, weights, minimum=2)
    province = np.repeat(weights.index.to_numpy(), count)
    number = np.arange(1, scenario.firm_count + 1)
    # Half as much again as the province's part of the sample, so that balancing has room.
    size = scenario.year(year)
    in_province = pd.Series(_in_county(scenario, size.eligible_plan_count), index=places["province_code"])
    expected = in_province.groupby(level=0).sum() * size.supervised_plan_count / size.eligible_plan_count
    capacity = np.ceil(1.5 * (expected / count).to_numpy() + 10).astype(np.int64)
    return pd.DataFrame(
        {
            "firm_code": [f"F{one:03d}" for one in number],
            "firm_name": [f"شرکت نمایشی {one}" for one in number],
            "province": province,
            "capacity_count": np.repeat(capacity, count),
        }
    )


@cache
def counties() -> pd.DataFrame:
    """Read the counties in force with their province's name and their weight in the rehearsal."""
    listed = pd.read_csv(REFERENCE / "counties.csv", dtype=str, keep_default_na=False)
    provinces = pd.read_csv(REFERENCE / "provinces.csv", dtype=str).set_index("code")["name_fa"]
    listed = listed[listed["in_1402"] == "1"].sort_values("code", ignore_index=True)
    active = pd.to_numeric(listed["active_15plus_1395"]).fillna(ACTIVE_PERSONS_IF_UNKNOWN)
    return pd.DataFrame(
        {
            "county_code": listed["code"],
            "county_name": listed["name_fa"],
            "county_other_name": _other_names(listed),
            "province_code": listed["province_code"],
            "province_name": listed["province_code"].map(provinces),
            "weight": active**0.75,
        }
    )


def _other_names(listed: pd.DataFrame) -> pd.Series:
    other = listed["alt_names"].str.split("|").str[0].str.strip()
    # The old name of one county is the present name of another: no agency may write that.
    ambiguous = other.isin(set(listed["name_fa"])) | (other == "")
    return other.mask(ambiguous, listed["name_fa"])


def _in_county(scenario: Scenario, total: int) -> np.ndarray:
    return _shared_out(total, counties()["weight"], scenario.least_plans_per_county)


def _shared_out(total: int, weights: pd.Series, minimum: int) -> np.ndarray:
    exact = (total - minimum * len(weights)) * (weights / weights.sum()).to_numpy()
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - whole), kind="stable")[: total - minimum * len(weights) - whole.sum()]
    whole[largest] += 1
    return whole + minimum


def _place(rows: pd.DataFrame, scenario: Scenario, eligible: int, seed: str) -> None:
    exact = np.repeat(np.arange(len(counties())), _in_county(scenario, eligible))
    beside = chance.of_numbers(seed, "county", rows["number"].to_numpy()[eligible:])
    row = np.concatenate([exact, exact[(beside * eligible).astype(np.int64)]])
    for column in ("county_code", "county_name", "county_other_name", "province_code", "province_name"):
        rows[column] = counties()[column].to_numpy()[row]


def _locate(rows: pd.DataFrame, seed: str) -> None:
    """Invent coordinates: near a place of the county in the province's tile, by hash; no plan stands there."""
    number, counties_of = rows["number"].to_numpy(), rows["county_code"]
    tiles = _tiles().loc[rows["province_code"]]
    # A county stays where it is from year to year.
    row = tiles["tile_row"].to_numpy() - 0.9 + 0.8 * chance.of_codes(PLACES, "latitude", counties_of)
    column = tiles["tile_column"].to_numpy() - 0.9 + 0.8 * chance.of_codes(PLACES, "longitude", counties_of)
    height, width = _tiles()["tile_row"].max(), _tiles()["tile_column"].max()
    beside = [COUNTY_REACH * (chance.of_numbers(seed, axis, number) - 0.5) for axis in ("latitude", "longitude")]
    rows["latitude"] = np.round(NORTH - (NORTH - SOUTH) * row / height + beside[0], 5)
    rows["longitude"] = np.round(WEST + (EAST - WEST) * column / width + beside[1], 5)


@cache
def _tiles() -> pd.DataFrame:
    provinces = pd.read_csv(REFERENCE / "provinces.csv", dtype={"code": str}).set_index("code")
    return provinces[["tile_row", "tile_column"]]


def _name_people(rows: pd.DataFrame, seed: str) -> None:
    names = _names()
    number = rows["number"].to_numpy()
    given = names["given"][_choice(seed, "given", number, len(names["given"]))]
    family = names["family"][_choice(seed, "family", number, len(names["family"]))]
    rows["applicant_name"] = given + " " + family
    rows["sex"] = np.where(np.isin(given, names["given_of_women"]), "female", "male")
    rows["national_id"] = _national_ids(number, seed)


@cache
def _names() -> dict[str, np.ndarray]:
    written = yaml.safe_load((Path(__file__).parent / "names.yaml").read_text(encoding="utf-8"))
    return {part: np.array(names, dtype=object) for part, names in written.items()}


def _national_ids(number: np.ndarray, seed: str) -> np.ndarray:
    start = int(chance.of_numbers(seed, "first person", np.zeros(1, dtype=np.int64))[0] * 800_000_000)
    # The step has no factor with 800,000,000, so that no two rows share a person by accident.
    nine = 100_000_000 + (start + number * 7_654_321) % 800_000_000
    digits = nine[:, None] // 10 ** np.arange(8, -1, -1) % 10
    rest = (digits * np.arange(10, 1, -1)).sum(axis=1) % 11
    check = np.where(rest < 2, rest, 11 - rest)
    return (nine * 10 + check).astype(str).astype(object)


def _describe(rows: pd.DataFrame, seed: str) -> None:
    number = rows["number"].to_numpy()
    alone = chance.of_numbers(seed, "kind", number) < 0.78
    rows["plan_kind"] = np.where(alone, "self_employment", "enterprise")
    rows["activity_code"] = ACTIVITIES[_choice(seed, "activity", number, len(ACTIVITIES))]
    rows["budget_note"] = "15"
    rows["bank_code"] = np.array([f"B{one:02d}" for one in range(1, 9)])[_choice(seed, "bank", number, 8)]
    rows["programme_code"] = np.array(["G1", "G2", "G3", "G4"])[_choice(seed, "programme", number, 4)]
    rows["birth_year"] = 1340 + _choice(seed, "birth", number, 44)
    rows["settlement"] = np.where(chance.of_numbers(seed, "settlement", number) < 0.62, "urban", "rural")
    rows["is_disabled"] = np.where(chance.of_numbers(seed, "disabled", number) < 0.06, "1", "0")
    size = chance.of_numbers(seed, "jobs", number)
    jobs = np.where(alone, 1 + (size > 0.8), 2 + np.floor(12 * size**2)).astype(np.int64)
    moved = chance.of_numbers(seed, "registered", number)
    rows["job_commitment_count"] = jobs
    rows["registered_job_count"] = np.maximum(jobs + (moved > 0.92) - (moved < 0.08), 1)


def _date(rows: pd.DataFrame, seed: str, year: int) -> None:
    number = rows["number"].to_numpy()
    paid = np.floor(chance.of_numbers(seed, "paid", number) * 365).astype(np.int64)
    paid -= 365 * (rows["role"] == "ineligible").to_numpy()
    wait = np.floor(10 + 110 * chance.of_numbers(seed, "approved", number)).astype(np.int64)
    rows["paid_on"] = jalali_text(year, paid)
    rows["approved_on"] = jalali_text(year, paid - wait)


def jalali_text(year: int, day: np.ndarray) -> np.ndarray:
    """Write the days of a year, counted from 0, as 1403/02/17; days below 0 lie in the years before."""
    # Leap days are left out: every year of the rehearsal has 365 days that exist.
    years, day = year + day // 365, day % 365
    early = day < 186
    month = np.where(early, day // 31, 6 + (day - 186) // 30) + 1
    of_month = np.where(early, day % 31, (day - 186) % 30) + 1
    two = np.array([f"/{one:02d}" for one in range(32)], dtype=object)
    return years.astype(str).astype(object) + two[month] + two[of_month]


def _lend(rows: pd.DataFrame, seed: str) -> None:
    number = rows["number"].to_numpy()
    size = chance.of_numbers(seed, "loan", number)
    jobs = rows["job_commitment_count"].to_numpy()
    alone = (rows["plan_kind"] == "self_employment").to_numpy()
    # Multiples of 40 million rial survive each agency's own unit of money.
    forties = np.where(alone, 12 + np.floor(64 * size**2), jobs * (12 + np.floor(16 * size))).astype(np.int64)
    rows["loan_paid_rial"] = forties * 40 * MILLION
    partly = chance.of_numbers(seed, "partly paid", number) < 0.25
    rows["loan_approved_rial"] = np.where(partly, forties * 50, forties * 40) * MILLION


def _agencies(number: np.ndarray, scenario: Scenario, seed: str) -> np.ndarray:
    codes = np.array(list(scenario.agencies), dtype=object)
    bounds = np.cumsum([agency.share for agency in scenario.agencies.values()])
    place = np.searchsorted(bounds / bounds[-1], chance.of_numbers(seed, "agency", number), side="right")
    return codes[np.minimum(place, len(codes) - 1)]


def _advising_firms(rows: pd.DataFrame, scenario: Scenario, seed: str) -> np.ndarray:
    number = rows["number"].to_numpy()
    here = firms(scenario, next(iter(scenario.years))).groupby("province")["firm_code"].agg(list)
    table = pd.DataFrame(here.tolist(), index=here.index)
    among = rows["province_code"].map(here.str.len()).to_numpy()
    which = np.floor(chance.of_numbers(seed, "advising firm", number) * among).astype(np.int64)
    firm = table.to_numpy()[table.index.get_indexer(rows["province_code"]), which]
    advised = (rows["plan_kind"] == "self_employment") & (chance.of_numbers(seed, "advised", number) < 0.25)
    return np.where(advised, firm, "")


def _with_repeated(rows: pd.DataFrame, count: int, agencies: list[str], seed: str) -> pd.DataFrame:
    """Let a second agency register the plans of some people again."""
    eligible = rows[rows["role"] == "eligible"]
    order = chance.of_numbers(seed, "repeated", eligible["number"].to_numpy())
    again = eligible.iloc[np.argsort(order, kind="stable")[:count]].copy()
    first = again["agency_code"].map({code: place for place, code in enumerate(agencies)}).to_numpy()
    further = 1 + _choice(seed, "second agency", again["number"].to_numpy(), len(agencies) - 1)
    again["agency_code"] = np.array(agencies, dtype=object)[(first + further) % len(agencies)]
    again["role"] = "repeated"
    again["number"] = len(rows) + np.arange(count)
    return pd.concat([rows, again], ignore_index=True)


def _lose_ids(rows: pd.DataFrame, seed: str) -> None:
    """Leave out the IDs of some plans; those another agency registered too are written a little differently."""
    drawn = chance.of_numbers(seed, "without id", rows["number"].to_numpy())
    repeated = rows["role"] == "repeated"
    registered_twice = rows["national_id"].isin(rows.loc[repeated, "national_id"])
    alone = (rows["role"] == "eligible") & ~registered_twice & (drawn < WITHOUT_ID_SHARE)
    again = repeated & (drawn < REPEATED_WITHOUT_ID_SHARE)
    rows.loc[alone | again, "national_id"] = ""
    turn = again.cumsum() % len(REPEATED_AS)
    cut = again & (turn == REPEATED_AS.index("name cut short"))
    rows.loc[cut, "applicant_name"] = rows.loc[cut, "applicant_name"].str[:-1]
    day_off = again & (turn == REPEATED_AS.index("approved a day off"))
    day = rows.loc[day_off, "approved_on"].str[-2:].astype(int)
    days = (day - 1).where(day > 1, 2).astype(str).str.zfill(2)
    rows.loc[day_off, "approved_on"] = rows.loc[day_off, "approved_on"].str[:-2] + days


def _numbered(rows: pd.DataFrame, seed: str, year: int) -> pd.DataFrame:
    position = chance.of_numbers(seed, "position", rows["number"].to_numpy())
    # A repeated number is the later row's fault, so those rows stand last.
    rows["position"] = position + (rows["role"] == "plan_number_repeated")
    rows = rows.sort_values(["agency_code", "position"], ignore_index=True)
    sequence = rows.groupby("agency_code").cumcount() + 1
    rows["plan_number"] = (year * MILLION + sequence).astype(str)
    return rows


def _spoilt(rows: pd.DataFrame, year: int) -> pd.DataFrame:
    """Write the faults into the rows that are to carry them."""
    fault = {code: rows["role"] == code for code in FAULTS}
    provinces = counties().drop_duplicates("province_code").set_index("province_code")["province_name"]
    wrong = fault["county_not_in_province"]
    code = ((rows.loc[wrong, "province_code"].astype(int) + 1) % len(provinces)).astype(str).str.zfill(2)
    rows.loc[wrong, "province_code"] = code
    rows.loc[wrong, "province_name"] = code.map(provinces)
    rows.loc[fault["paid_date_impossible"], "paid_on"] = f"{year}/13/40"
    # Nothing for one row, less than nothing for the next.
    rows.loc[fault["loan_not_positive"], "loan_paid_rial"] *= -(rows["number"] // len(FAULTS) % 2)
    rows.loc[fault["plan_kind_unknown"], "plan_kind"] = "unknown"
    _repeat_numbers(rows, fault["plan_number_repeated"])
    rows.loc[fault["plan_number_missing"], "plan_number"] = ""
    rows["plan_id"] = rows["agency_code"] + "-" + rows["plan_number"]
    return rows.rename(columns={"province_code": "province", "county_code": "county"})


def _repeat_numbers(rows: pd.DataFrame, repeated: pd.Series) -> None:
    taken = rows[rows["role"] == "eligible"].groupby("agency_code")["plan_number"].agg(list)
    for agency, mine in rows[repeated].groupby("agency_code"):
        rows.loc[mine.index, "plan_number"] = taken[agency][: len(mine)]


def _choice(seed: str, purpose: str, number: np.ndarray, among: int) -> np.ndarray:
    return np.floor(chance.of_numbers(seed, purpose, number) * among).astype(np.int64)
