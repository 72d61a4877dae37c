"""Provinces and counties: which one a delivered name or code means, in the list of its year."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

Nearest = Callable[[str, Sequence[str]], str]

# Years whose list of counties the Statistical Centre of Iran published, and the column that marks it.
LISTS = {1395: "is_in_1395", 1399: "is_in_1399", 1402: "is_in_1402"}
PAIR = " / "
# Behind it a space, a half-space or a colon: آستانه begins with the same letters.
_KIND_OF_PLACE = re.compile("^\\s*(?:استان|شهرستان)[\\s\u200c:]+")


@dataclass(frozen=True)
class Places:
    """What names and codes mean in a year.

    Attributes:
        province_by_key: conformed code or name without spaces -> province code.
        county_by_key: (province code, conformed code or name without spaces) -> county code.
        province_names: province code -> name, of every province.
        county_names: (province code, name) of every county, for candidates.
    """

    province_by_key: Mapping[str, str]
    county_by_key: Mapping[tuple[str, str], str]
    province_names: Mapping[str, str]
    county_names: pd.DataFrame


def place_key(text: str, key: Callable[[str], str]) -> str:
    """Give the key by which places are told apart: without the word province or county before it, آ written as ا.

    Args:
        text: a name or a code.
        key: brings a name to the form in which names are compared.
    """
    return key(_KIND_OF_PLACE.sub("", text, count=1)).replace("آ", "ا")


def places(provinces: pd.DataFrame, counties: pd.DataFrame, year: int, key: Callable[[str], str]) -> Places:
    """Collect what names and codes mean in a year.

    Between two published lists a county of either counts. A name in force wins over an earlier name of
    another county (سرباز was 1108 until that county became راسک); an earlier name that two counties of
    a province share means neither.

    Args:
        provinces: province_code, name_fa, alt_names (parted by |).
        counties: county_code, province_code, name_fa, alt_names (parted by |), is_in_1395 and so on.
        year: Jalali year of the delivery.
        key: brings a name to the form in which names are compared.
    """
    listed = counties[_is_listed(counties, year)]
    current = _spelt(listed, listed["name_fa"], key)
    earlier = _spelt(listed, listed["alt_names"], key).drop_duplicates(["province_code", "key"], keep=False)
    codes = listed.assign(key=listed["county_code"])
    short = listed.assign(key=listed["county_code"].str.lstrip("0"))
    known = pd.concat([codes, short, current, earlier]).drop_duplicates(["province_code", "key"])
    known = known[known["key"] != ""]
    keys = zip(known["province_code"], known["key"], strict=True)
    by_key = dict(zip(keys, known["county_code"], strict=True))
    return Places(
        province_by_key=_province_keys(provinces, key),
        county_by_key=by_key,
        province_names=dict(zip(provinces["province_code"], provinces["name_fa"], strict=True)),
        county_names=listed[["province_code", "county_code", "name_fa"]],
    )


def read_provinces(
    delivered: Sequence[str], known: Places, key: Callable[[str], str], nearest: Nearest
) -> pd.DataFrame:
    """Find the province each delivered text means.

    Returns:
        delivered, value (province code or None), reason_code, candidates, in the given order.
    """
    rows = [(text, known.province_by_key.get(key(text))) for text in delivered]
    names = list(known.province_names.values())
    return pd.DataFrame(
        [
            (text, code, None if code else "province_unknown", None if code else nearest(text, names))
            for text, code in rows
        ],
        columns=["delivered", "value", "reason_code", "candidates"],
    )


def read_counties(delivered: Sequence[str], known: Places, key: Callable[[str], str], nearest: Nearest) -> pd.DataFrame:
    """Find the county each delivered text means: `county / province`, or a county's code alone.

    Returns:
        delivered, value (county code or None), reason_code, candidates, in the given order. Beside a
        province that is not known there is neither value nor reason: the province has its own.
    """
    somewhere = {county for _, county in known.county_by_key}
    rows = [_read_county(text, known, key, nearest, somewhere) for text in delivered]
    return pd.DataFrame(rows, columns=["delivered", "value", "reason_code", "candidates"])


def _read_county(
    text: str, known: Places, key: Callable[[str], str], nearest: Nearest, somewhere: set[str]
) -> tuple[str, str | None, str | None, str | None]:
    name, parted, beside = text.rpartition(PAIR)
    county = key(name if parted else text)
    province = known.province_by_key.get(key(beside)) if parted else county.zfill(4)[:2]
    if province is None or not county:
        return text, None, None, None
    code = known.county_by_key.get((province, county))
    if code is not None:
        return text, code, None, None
    names = known.county_names
    within = names.loc[names["province_code"] == province, "name_fa"].tolist()
    reason = "county_not_in_province" if parted and county in somewhere else "county_unknown"
    return text, None, reason, nearest(name if parted else text, within)


def _is_listed(counties: pd.DataFrame, year: int) -> pd.Series:
    before = max((listed for listed in LISTS if listed <= year), default=min(LISTS))
    after = min((listed for listed in LISTS if listed >= year), default=max(LISTS))
    return counties[LISTS[before]] | counties[LISTS[after]]


def _province_keys(provinces: pd.DataFrame, key: Callable[[str], str]) -> dict[str, str]:
    codes = provinces["province_code"].tolist()
    # A spreadsheet drops the zero before a code; 00 becomes 0.
    plain = {str(int(code)): code for code in codes}
    spelt = provinces["name_fa"] + "|" + provinces["alt_names"].fillna("")
    named = {key(name): code for code, names in zip(codes, spelt, strict=True) for name in names.split("|") if name}
    return named | plain | {code: code for code in codes}


def _spelt(counties: pd.DataFrame, names: pd.Series, key: Callable[[str], str]) -> pd.DataFrame:
    spelt = counties.assign(name=names.str.split("|")).explode("name")
    spelt["key"] = spelt["name"].fillna("").map(key)
    return spelt[spelt["key"] != ""].drop_duplicates(["province_code", "key", "county_code"])
