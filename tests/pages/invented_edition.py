"""An edition without a warehouse: figures of invented plans, behind the queries that an edition reads."""

import datetime

import numpy as np
import pandas as pd

from methods import decision, estimate
from methods.period import Period
from tasks.edges import definitions, law
from tasks.edges.settings import ROOT

PERIOD = Period(1403)
DAY = datetime.date(2026, 10, 23)
# Of an edition that takes the place of the first.
LATER = datetime.date(2026, 11, 23)
PARTITION = {"year": 1403, "phase": 1, "cutoff": DAY}
AGENCIES = {"P01": "دستگاه نمایشی ۱", "P02": "دستگاه نمایشی ۲", "P03": "دستگاه نمایشی ۳", "P04": "دستگاه نمایشی ۴"}
COUNTIES_EACH = 4
PLANS_EACH = 60
# A county of each reason why its rate is not printed; the rest are printed or too weak.
EMPTY_COUNTY, UNVISITED_COUNTY, UNDECIDED_COUNTY, STRONG_COUNTY = "0104", "0004", "0003", "0601"


def sizes(counties):
    plans = pd.Series(PLANS_EACH, index=counties["county_code"])
    plans[EMPTY_COUNTY], plans[STRONG_COUNTY] = 0, 6 * PLANS_EACH
    return plans


def units():
    provinces = pd.read_csv(ROOT / "reference" / "provinces.csv", dtype=str)
    counties = pd.read_csv(ROOT / "reference" / "counties.csv", dtype=str).query("in_1402 == '1'")
    first = counties.sort_values("code").groupby("province_code").head(COUNTIES_EACH)
    columns = ["level", "unit_code", "province_code", "name_fa", "tile_row", "tile_column"]
    above = provinces.assign(level="province", unit_code=provinces["code"], province_code=provinces["code"])
    above[["tile_row", "tile_column"]] = above[["tile_row", "tile_column"]].astype(int)
    below = first.assign(level="county", unit_code=first["code"], tile_row=None, tile_column=None)
    return pd.concat([above[columns], below[columns].astype(object)], ignore_index=True)


def frame_of(counties, chance):
    sized = sizes(counties)
    county = np.repeat(sized.index.to_numpy(), sized.to_numpy())
    count = len(county)
    listed = chance.choice(list(AGENCIES), count, p=[0.4, 0.3, 0.2, 0.1])
    jobs = chance.integers(1, 4, count)
    has_list = np.isin(listed, ["P03", "P04"])
    frame = pd.DataFrame(
        {
            "plan_id": [f"plan-{number:05d}" for number in range(count)],
            "county_code": county,
            "agency_code": listed,
            "bank_code": chance.choice(["B01", "B02", "B03"], count),
            "budget_note": "15",
            "programme_code": chance.choice(["G1", "G2", None], count),
            "activity_section": chance.choice(["A", "C", "G", "S"], count),
            "plan_kind": chance.choice(["self_employment", "enterprise"], count, p=[0.8, 0.2]),
            "sex": chance.choice(["female", "male"], count),
            "age": chance.integers(19, 70, count),
            "settlement": chance.choice(["urban", "rural", None], count),
            "is_disabled": chance.choice([True, False, None], count, p=[0.05, 0.6, 0.35]),
            "loan_paid_rial": chance.integers(4, 80, count) * 10**8,
            "job_commitment_count": jobs + np.arange(count) % 2,
            "registered_job_count": jobs,
            "has_job_list": has_list,
            "has_job": has_list,
            "payment_to_job_days": np.where(has_list, chance.integers(-10, 90, count), 0),
        }
    )
    for months, share in ((6, 0.95), (12, 0.9), (24, 0.8)):
        frame[f"job_seen_{months}_months_count"] = np.where(has_list & (months < 24), jobs, 0)
        lasted = np.where(has_list & (months < 24), chance.binomial(jobs, share), 0)
        frame[f"job_lasted_{months}_months_count"] = lasted
        frame[f"job_too_recent_{months}_months_count"] = np.where(has_list & (months == 24), jobs, 0)
    return frame.assign(province_code=frame["county_code"].str[:2])


def sample_of(frame, chance):
    drawn = frame.sort_values("plan_id").groupby("county_code").head(10**6)
    drawn = drawn[chance.random(len(drawn)) < 0.7].copy()
    in_county = frame.groupby("county_code").size()
    of_county = drawn.groupby("county_code").size()
    drawn["stratum_code"] = drawn["county_code"]
    drawn["stratum_population_count"] = drawn["county_code"].map(in_county)
    drawn["stratum_sample_count"] = drawn["county_code"].map(of_county)
    drawn["inclusion_probability"] = drawn["stratum_sample_count"] / drawn["stratum_population_count"]
    # The eastern provinces confirm more, so that some sentence has something to say.
    good = np.where(drawn["province_code"].astype(int) > 25, 0.93, 0.72)
    luck, fault = chance.random(len(drawn)), chance.choice(["discrepancy", "deviation", "violation"], len(drawn))
    verdict = np.where(luck < good, "confirmed", fault)
    late = chance.random(len(drawn))
    verdict = np.where(late < 0.05, "non_contact", np.where(late < 0.08, "pending", verdict))
    verdict = np.where(drawn["county_code"] == UNDECIDED_COUNTY, "pending", verdict)
    unvisited = drawn["county_code"] == UNVISITED_COUNTY
    verdict = np.where(unvisited, "not_visited", verdict)
    is_decided = np.isin(verdict, ["confirmed", "discrepancy", "deviation", "violation"])
    found = np.where(is_decided, chance.binomial(drawn["registered_job_count"], 0.85), 0)
    return drawn.assign(
        verdict=verdict, is_supervised=~unvisited.to_numpy(), is_decided=is_decided,
        is_confirmed=verdict == "confirmed", realised_job_count=found,
    )  # fmt: skip


class Store:
    """Answers the queries of an edition from invented plans."""

    def __init__(self, agency_names=None, undecided=False, empty=False, rehearsal=True):
        self.names = AGENCIES | (agency_names or {})
        self.is_rehearsal = rehearsal
        chance = np.random.default_rng(1403)
        self.units = units()
        counties = self.units.query("level == 'county'").rename(columns={"unit_code": "county_code"})
        self.frame = frame_of(counties, chance)
        self.plans = sample_of(self.frame, chance)
        if undecided or empty:
            self.plans = self.plans.assign(
                verdict="pending", is_decided=False, is_confirmed=False, is_supervised=not empty, realised_job_count=0
            )
        self.rules = law.section("publication", PERIOD)
        wanted = estimate.definitions_in_force(definitions.indicators(), PERIOD.reference_date)
        figures = estimate.figures(self.plans, self.frame, wanted, self.rules).assign(guideline="abc123")
        self.figures = figures.assign(is_suppressed=self.tells_of_few(figures, wanted))
        self.asked = []
        # Indicators that may be published nowhere.
        self.suppressed = ()
        self.recorded = pd.DataFrame(columns=["file_name", "byte_count", "sha256"])

    def tells_of_few(self, figures, wanted):
        """Mark figures of small counts; what else would have to go with them is not for a page to know."""
        plans, frame = (rows.assign(holder=rows["plan_id"]) for rows in (self.plans, self.frame))
        cells = estimate.cells(plans, frame, wanted)
        is_open = law.section("disclosure", PERIOD)["open_variables"]
        counts = [code for code, one in wanted.variables.items() if one.measure is None and code not in is_open]
        small = cells[cells["variable"].isin(counts) & cells["value"].between(1, int(self.rules["minimum_count"]) - 1)]
        told = pd.DataFrame(
            [(one.code, name) for one in wanted.indicators for name in one.tells], columns=["indicator", "variable"]
        )
        key = ["indicator", "level", "unit_code", "domain"]
        hidden = pd.MultiIndex.from_frame(small.merge(told, on="variable")[key])
        return pd.MultiIndex.from_frame(figures[key]).isin(hidden)

    def read(self, file, **parameters):
        self.asked.append(file)
        name = file.removesuffix(".sql").replace("/", "_")
        return getattr(self, f"_{name}")(**parameters).copy()

    def _bulletin_file(self, **_):
        return self.recorded

    def _bulletin_unit(self):
        return self.units

    def _bulletin_figure(self, unit_code, **_):
        rows, province = self.figures, self.figures["unit_code"].str[:2]
        parts = (rows["level"] == "county") & (province == unit_code)
        if unit_code == "IR":
            parts = rows["level"] == "province"
        chosen = rows[
            (rows["unit_code"] == unit_code) | ((rows["domain"] == "all") & (parts | (rows["level"] == "nation")))
        ]
        return chosen.assign(is_revised=False)

    def read_in_parts(self, file, row_count, **parameters):
        rows = self.read(file, **parameters)
        yield from (rows.iloc[first : first + row_count] for first in range(0, max(len(rows), 1), row_count))

    def _bulletin_annex_figure(self, unit_code, **partition):
        rows = self.figures.assign(**partition, is_revised=False)
        return rows.assign(is_suppressed=rows["is_suppressed"] | rows["indicator"].isin(self.suppressed))

    def _bulletin_agency_figure(self, **_):
        rows = self.figures
        of_agency = rows["domain"].str.startswith("agency=")
        nation = (rows["level"] == "nation") & (of_agency | (rows["domain"] == "all"))
        return rows[nation | ((rows["level"] == "province") & of_agency)].assign(is_revised=False)

    def _bulletin_scorecard(self, **_):
        rows = self.figures.query("level == 'nation' and indicator == 'accuracy_rate'")
        rows = rows[rows["domain"].str.startswith("agency=") & rows["estimate"].notna()]
        estimated = rows.query("basis == 'estimated'").set_index("domain")
        counted = rows.query("basis == 'counted'").set_index("domain")
        cards = estimated[["n", "estimate", "standard_error", "lower", "upper"]].assign(
            confirmed_plan_count=counted["numerator"].astype(int), decided_plan_count=counted["denominator"].astype(int)
        )
        cards.insert(0, "agency_code", cards.index.str.removeprefix("agency="))
        cards = decision.scorecards(cards.reset_index(drop=True)).sort_values(["rank_estimate", "agency_code"])
        change = [0.1, 0.02, -0.04, -0.08][: len(cards)]
        current = np.full(len(cards), 5 * 10**12)
        return cards.assign(
            agency_name=cards["agency_code"].map(self.names), current_rial=current, change_share=change,
            recommended_rial=(current * (1 + np.array(change))).astype(np.int64),
        )  # fmt: skip

    def _staging_reject_summary(self, **_):
        rows = [(code, code, name, True, 1000, 12 + place) for place, (code, name) in enumerate(self.names.items())]
        columns = ["source_code", "agency_code", "agency_name", "is_rehearsal", "row_count", "rejected_row_count"]
        return pd.DataFrame(rows, columns=columns)

    def _bulletin_agency_quality(self, **_):
        shares = {
            "completeness": 0.999,
            "uniqueness": 0.991,
            "validity": 0.988,
            "timeliness": None,
            "consistency": 0.97,
        }
        rows = [(code, name, 1, 1, share) for code in self.names for name, share in shares.items()]
        return pd.DataFrame(rows, columns=["agency_code", "dimension", "numerator", "denominator", "share"])

    def _bulletin_progress(self, unit_code, **_):
        names = ["issued", "assigned", "attempted", "visited", "decided", "overdue", "reassigned"]
        rows = [[400, 400, 380, 360, 350, 20, 2], [400, 400, 380, 379, 350, 20, 0]]
        frame = pd.DataFrame(rows, columns=[f"{name}_plan_count" for name in names])
        return frame.assign(unit_code=["06", "00"], unit_name=["خوزستان", "مرکزی"])

    def _bulletin_coverage(self, **_):
        names = ["declared", "delivered", "accepted", "eligible", "excluded"]
        rows = pd.DataFrame(
            [[1100, 1000, 988, 960, 28]] * len(self.names), columns=[f"{name}_plan_count" for name in names]
        )
        return rows.assign(agency_code=list(self.names), plan_share=[0.898, *[None] * (len(self.names) - 1)])

    def _bulletin_precision(self, **_):
        return pd.DataFrame([{"level": "nation", "unit_code": "IR", "standard_error": 0.006}])

    def _bulletin_effort(self, **_):
        names = ["issued", "attempted", "visited", "decided"]
        frame = pd.DataFrame(
            [[5000, 4900, 4700, 4500], [200, 200, 190, 189]], columns=[f"{one}_plan_count" for one in names]
        )
        return frame.assign(level=["county", "national"])

    def _bulletin_draw(self, **_):
        return pd.DataFrame([{"certificate_sha256": "ab" * 32, "seed_sha256": "cd" * 32, "committed_on": DAY}])

    def _bulletin_figure_quality(self, **_):
        rows = self.figures.query("basis == 'estimated'").assign(is_whole=lambda one: one["domain"] == "all")
        return rows.groupby(["level", "is_whole", "quality"]).size().rename("figure_count").reset_index()

    def _bulletin_edition(self, **_):
        first = {"cutoff": DAY, "number": 1, "kind": "provisional", "reasons": [], "supersedes": None, "year": 1403,
                 "phase": 1, "released_on": DAY, "guideline": "abc123"}  # fmt: skip
        second = {"cutoff": LATER, "number": 2, "kind": "revised", "reasons": ["data"], "supersedes": DAY}
        return pd.DataFrame([first, first | second])

    def _bulletin_revision(self, **_):
        rows = [
            ("accuracy_rate", "estimated", "nation", "IR", 0.81, 0.79),
            ("decided_plan_count", "counted", "nation", "IR", 4800.0, 4824.0),
            ("deviation_loan_rial", "estimated", "nation", "IR", None, 3.25e11),
            ("accuracy_rate", "estimated", "county", STRONG_COUNTY, 0.7, 0.6),
        ]
        found = pd.DataFrame(rows, columns=["indicator", "basis", "level", "unit_code", "before", "after"])
        change = found["after"] - found["before"]
        return found.assign(domain="all", change=change, relative_change=change / found["before"])

    def _bulletin_change(self, **_):
        return pd.DataFrame(columns=["indicator", "against_year", "against_phase", "before", "after"])

    def _bulletin_unit_revision(self, **_):
        return pd.DataFrame(columns=["indicator", "before", "after"])

    def _bulletin_error_source(self, **_):
        return pd.DataFrame(columns=["code", "estimate", "lower", "upper"])

    def _bulletin_small_area(self, **_):
        return pd.DataFrame(columns=["county_code", "estimate", "lower", "upper"])

    def _staging_rehearsal_delivery(self, **_):
        return pd.DataFrame({"delivery_count": [int(self.is_rehearsal)]})
