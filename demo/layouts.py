"""How each invented agency writes its plans down: its headers, codes, digits, units and kind of file."""

from __future__ import annotations

import datetime
import io
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
import xlsxwriter

PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
ARABIC_LETTERS = str.maketrans("یک", "يك")
# The code page of Windows has the Arabic ya alone.
CP1256_LETTERS = str.maketrans({"ی": "ي", "ک": "ك", "ٔ": "ء"})
WRITTEN_ON = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)

P01 = {
    "plan_number": "شماره طرح",
    "national_id": "کد ملی",
    "applicant_name": "نام متقاضی",
    "province_name": "استان",
    "county_name": "شهرستان",
    "budget_note": "تبصره",
    "activity_code": "کد فعالیت",
    "plan_kind": "نوع طرح",
    "approved_on": "تاریخ تصویب",
    "paid_on": "تاریخ پرداخت",
    "loan_approved_rial": "مبلغ مصوب (ریال)",
    "loan_paid_rial": "مبلغ پرداختی (ریال)",
    "job_commitment_count": "تعهد اشتغال",
    "registered_job_count": "اشتغال ثبت‌شده",
    "advising_firm_code": "کد شرکت مشاور",
    "bank_code": "بانک عامل",
    "programme_code": "کد برنامه",
    "sex": "جنسیت",
    "birth_year": "سال تولد",
    "settlement": "شهری یا روستایی",
    "is_disabled": "دارای معلولیت",
}
P02 = {
    "plan_number": "شماره پرونده",
    "applicant_name": "نام و نام خانوادگی",
    "national_id": "شماره ملی",
    "plan_kind": "نوع",
    "activity_code": "رسته",
    "province_name": "نام استان",
    "county_other_name": "نام شهرستان",
    "approved_on": "تاریخ مصوبه",
    "loan_approved_rial": "مصوب میلیون ریال",
    "paid_on": "تاریخ پرداخت",
    "loan_paid_rial": "پرداخت میلیون ریال",
    "job_commitment_count": "تعداد تعهد",
    "registered_job_count": "تعداد شاغل",
    "budget_note": "بند قانونی",
    "advising_firm_code": "شرکت مشاوره",
    "bank_code": "کد بانک",
    "programme_code": "کد طرح ملی",
    "sex": "زن یا مرد",
    "birth_year": "متولد سال",
}
P03 = {
    "plan_number": "ردیف طرح",
    "province": "کد استان",
    "county": "کد شهرستان",
    "national_id": "کد ملی مجری",
    "applicant_name": "مجری",
    "activity_code": "آیسیک",
    "plan_kind": "کد نوع طرح",
    "job_commitment_count": "اشتغال تعهدی",
    "registered_job_count": "اشتغال ثبتی",
    "loan_approved_rial": "تسهیلات مصوب",
    "loan_paid_rial": "تسهیلات پرداختی",
    "approved_on": "تصویب",
    "paid_on": "پرداخت",
    "budget_note": "تبصره",
    "advising_firm_code": "مشاور",
    "bank_code": "بانک",
    "programme_code": "برنامه",
    "sex": "جنس",
    "birth_year": "تولد",
    "settlement": "محل",
    "is_disabled": "معلول",
}
P04 = {
    "plan_number": "planNo",
    "national_id": "nationalCode",
    "applicant_name": "fullName",
    "province": "ostan",
    "county": "shahrestan",
    "budget_note": "tabsare",
    "activity_code": "isic",
    "plan_kind": "kind",
    "approved_on": "approvedOn",
    "paid_on": "paidOn",
    "loan_approved_rial": "approvedAmount",
    "loan_paid_rial": "paidAmount",
    "job_commitment_count": "committedJobs",
    "registered_job_count": "registeredJobs",
    "advising_firm_code": "adviser",
    "latitude": "lat",
    "longitude": "lon",
    "bank_code": "bank",
    "programme_code": "programme",
    "sex": "sex",
    "birth_year": "birthYear",
    "settlement": "settlement",
    "is_disabled": "disabled",
}
P05 = {
    "plan_number": "shomare_tarh",
    "national_id": "code_melli",
    "applicant_name": "nam",
    "province": "code_ostan",
    "county": "code_shahrestan",
    "budget_note": "tabsare",
    "activity_code": "code_faaliat",
    "plan_kind": "noe_tarh",
    "approved_on": "tarikh_tasvib",
    "paid_on": "tarikh_pardakht",
    "loan_approved_rial": "mablagh_mosavab",
    "loan_paid_rial": "mablagh_pardakhti",
    "job_commitment_count": "taahod_eshteghal",
    "registered_job_count": "eshteghal_sabti",
    "advising_firm_code": "code_moshaver",
    "latitude": "arz",
    "longitude": "tool",
    "bank_code": "code_bank",
    "programme_code": "code_barname",
    "sex": "jensiat",
    "birth_year": "sal_tavallod",
    "settlement": "shahri_roostai",
}
P06 = {
    "plan_number": "شناسه طرح",
    "county_name": "شهرستان محل اجرا",
    "province_name": "استان محل اجرا",
    "applicant_name": "نام ذینفع",
    "national_id": "کد ملی ذینفع",
    "plan_kind": "گروه",
    "budget_note": "تبصره بودجه",
    "activity_code": "بخش فعالیت",
    "loan_approved_rial": "وام مصوب تومان",
    "loan_paid_rial": "وام پرداختی تومان",
    "approved_on": "مورخ تصویب",
    "paid_on": "مورخ پرداخت",
    "registered_job_count": "شغل ثبت شده",
    "job_commitment_count": "شغل تعهد شده",
    "advising_firm_code": "کد مشاور",
    "bank_code": "کد بانک عامل",
    "sex": "جنسیت ذینفع",
    "settlement": "شهر یا روستا",
    "is_disabled": "معلولیت",
}
FIRMS = {
    "firm_code": "کد شرکت",
    "firm_name": "نام شرکت",
    "province": "کد استان",
    "capacity_count": "ظرفیت",
}
TOTALS = {
    "province_name": "استان",
    "county_name": "شهرستان",
    "plan_count": "شمار طرح",
    "loan_paid_rial": "مبلغ پرداختی (ریال)",
}
JOBS = {
    "plan_number": "شماره طرح",
    "worker_national_id": "کد ملی شاغل",
    "started_on": "آغاز کار",
    "ended_on": "پایان کار",
    "is_insured": "بیمه",
}
CONTACTS = {
    "contact_id": "شناسه تماس",
    "agency_code": "کد دستگاه",
    "plan_number": "شماره طرح",
    "channel": "راه تماس",
    "contacted_on": "تاریخ تماس",
    "outcome": "نتیجه",
}
IN_PERSIAN = {"female": "زن", "male": "مرد", "urban": "شهری", "rural": "روستایی"}
CHANNELS = {"sms": "پیامک", "phone": "تلفن"}
# The agency knows its plans by section: class codes mapped to the letters of ISIC Rev. 4.
SECTIONS = {"0": "A", "1": "C", "2": "C", "3": "C", "45": "G", "47": "G", "49": "H", "55": "I", "56": "I",
            "62": "J", "85": "P", "95": "S", "96": "S"}  # fmt: skip


def write_p01(plans: pd.DataFrame, path: Path) -> None:
    """Write UTF-8 CSV in Persian letters and digits."""
    words = {"self_employment": "خوداشتغالی", "enterprise": "کارفرمایی", "unknown": "سایر"} | IN_PERSIAN
    path.write_bytes(_csv(_laid_out(plans, P01, words), ",").translate(PERSIAN_DIGITS).encode("utf-8"))


def write_p02(plans: pd.DataFrame, path: Path) -> None:
    """Write cp1256 CSV with semicolons, dates without leading zeros and loans in million rial."""
    words = {"self_employment": "خود اشتغالی", "enterprise": "کارفرمایی", "unknown": "نامشخص"} | IN_PERSIAN
    table = _laid_out(plans, P02, words, unit=1_000_000)
    text = _csv(table, ";").replace("/0", "/").translate(CP1256_LETTERS)
    path.write_bytes(text.encode("cp1256"))


def write_p03(plans: pd.DataFrame, path: Path) -> None:
    """Write a workbook with a title row above the header, and codes for places and kinds."""
    words = {
        "self_employment": "1",
        "enterprise": "2",
        "unknown": "9",
        "female": "1",
        "male": "2",
        "urban": "1",
        "rural": "2",
    }
    title = "فهرست طرح‌های دارای تسهیلات اشتغال‌زا (داده‌های نمایشی)"
    _write_workbook(_laid_out(plans, P03, words), path, title)


def write_p04(plans: pd.DataFrame, path: Path) -> None:
    """Write one JSON object a line, for the service to page through."""
    words = {"self_employment": "SELF", "enterprise": "FIRM", "unknown": "N/A", "female": "F", "male": "M"}
    words |= {"urban": "URBAN", "rural": "RURAL"}
    table = _laid_out(plans, P04, words)
    for column in ("approvedOn", "paidOn"):
        table[column] = table[column].str.replace("/", "-", regex=False)
    path.write_bytes(json_lines(table))


def write_p05(plans: pd.DataFrame, path: Path, year: int, fingerprint: str) -> None:
    """Write one year into the agency's database, in one transaction that also notes what it was made from."""
    words = {"self_employment": "khodeshteghali", "enterprise": "karfarmayi", "unknown": "?", "female": "zan"}
    words |= {"male": "mard", "urban": "shahri", "rural": "roostai"}
    table = _laid_out(plans, P05, words)
    table.insert(0, "sal", year)
    table.insert(1, "radif", range(1, len(table) + 1))
    columns = ", ".join(table.columns)
    marks = ", ".join("?" for _ in table.columns)
    with closing(sa.create_engine(f"sqlite:///{path}").raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(f"create table if not exists tarh ({columns}, primary key (sal, radif))")
        cursor.execute("create table if not exists sakht (sal primary key, az)")
        cursor.execute("delete from tarh where sal = ?", (year,))
        rows = table.astype(object).itertuples(index=False, name=None)
        cursor.executemany(f"insert into tarh ({columns}) values ({marks})", rows)  # noqa: S608
        cursor.execute("insert or replace into sakht values (?, ?)", (year, fingerprint))
        connection.commit()


def p05_stands(path: Path, year: int, fingerprint: str) -> bool:
    """Say whether the agency's database holds the year as made from this fingerprint."""
    if not path.exists():
        return False
    with closing(sa.create_engine(f"sqlite:///{path}").raw_connection()) as connection:
        cursor = connection.cursor()
        known = cursor.execute("select count(*) from sqlite_master where name = 'sakht'").fetchone()
        if not known[0]:
            return False
        return cursor.execute("select az from sakht where sal = ?", (year,)).fetchone() == (fingerprint,)


def write_p06(plans: pd.DataFrame, path: Path) -> None:
    """Write UTF-8 CSV with a byte order mark, Arabic letters and digits, loans in toman, ISIC sections."""
    words = {"self_employment": "مشاغل فردی", "enterprise": "بنگاهی", "unknown": "-"} | IN_PERSIAN
    sections = plans["activity_code"].map(_section)
    table = _laid_out(plans.assign(activity_code=sections), P06, words, unit=10)
    text = _csv(table, ",").translate(ARABIC_DIGITS).translate(ARABIC_LETTERS)
    path.write_bytes(text.encode("utf-8-sig"))


def write_totals(totals: pd.DataFrame, path: Path) -> None:
    """Write what an agency says it lent as UTF-8 CSV; the row without a place is the whole."""
    path.write_bytes(_csv(totals[list(TOTALS)].rename(columns=TOTALS), ",").encode("utf-8"))


def write_jobs(jobs: pd.DataFrame, path: Path) -> None:
    """Write the jobs an agency registered for its plans as UTF-8 CSV."""
    path.write_bytes(_csv(jobs[list(JOBS)].rename(columns=JOBS), ",").encode("utf-8"))


def write_contacts(contacts: pd.DataFrame, path: Path) -> None:
    """Write the outcomes of SMS and calls as UTF-8 CSV."""
    table = contacts[list(CONTACTS)].assign(channel=contacts["channel"].map(CHANNELS))
    path.write_bytes(_csv(table.rename(columns=CONTACTS), ",").encode("utf-8"))


def write_firms(firms: pd.DataFrame, path: Path) -> None:
    """Write the registry of consulting firms as a workbook."""
    table = firms[list(FIRMS)].rename(columns=FIRMS)
    table[FIRMS["firm_name"]] = table[FIRMS["firm_name"]].str.translate(PERSIAN_DIGITS)
    _write_workbook(table, path)


def json_lines(table: pd.DataFrame) -> bytes:
    """Write a table as one JSON object a line."""
    return table.to_json(orient="records", lines=True, force_ascii=False).encode("utf-8")


def _laid_out(plans: pd.DataFrame, headers: Mapping[str, str], words: Mapping[str, str], unit: int = 1) -> pd.DataFrame:
    table = plans[list(headers)].copy()
    for column in table.columns.intersection(["plan_kind", "sex", "settlement"]):
        table[column] = table[column].map(words)
    for loan in ("loan_approved_rial", "loan_paid_rial"):
        table[loan] = table[loan] // unit
    return table.rename(columns=dict(headers))


def _csv(table: pd.DataFrame, delimiter: str) -> str:
    return table.to_csv(index=False, sep=delimiter, lineterminator="\r\n")


def _section(activity: str) -> str:
    return SECTIONS.get(activity[:2]) or SECTIONS[activity[:1]]


def _write_workbook(table: pd.DataFrame, path: Path, title: str = "") -> None:
    content = io.BytesIO()
    # Row by row in constant memory; the fixed date keeps the bytes the same each time.
    book = xlsxwriter.Workbook(content, {"in_memory": True, "constant_memory": True})
    book.set_properties({"created": WRITTEN_ON})
    sheet = book.add_worksheet("طرح‌ها")
    sheet.right_to_left()
    above = [[title]] if title else []
    rows = [*above, list(table.columns), *table.astype(object).itertuples(index=False, name=None)]
    for place, row in enumerate(rows):
        for column, value in enumerate(row):
            write = sheet.write_string if isinstance(value, str) else sheet.write_number
            write(place, column, value)
    book.close()
    path.write_bytes(content.getvalue())
