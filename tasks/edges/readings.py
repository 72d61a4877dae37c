"""How a delivered file is read, as a source's YAML may say it; left unsaid, it is found out."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Format = Literal["auto", "csv", "xlsx", "xls", "ods", "jsonl", "json", "parquet", "pages"]


# Beside the pages of a collection server: the SHA-256 of each submission's photograph.
PHOTOGRAPHS = "photographs.json"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _of_one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no pattern: {error}") from error
    if groups != 1:
        raise ValueError(f"{pattern!r} has {groups} groups; one is wanted, around the code")
    return pattern


class SheetCell(_Strict):
    """One place in every sheet of a workbook that holds no table: the row by its label."""

    measure: str
    label: str
    column: int = Field(ge=1, description="1-based column of the value")


class Reading(_Strict):
    """What is known about the file of a source before it is opened."""

    format: Format = "auto"
    encoding: Literal["auto", "utf-8", "utf-16", "cp1256"] = "auto"
    delimiter: str = Field(default="auto", pattern=r"^(auto|[^\r\n\x00])$", description="auto or one character")
    header_row: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    container: Literal["auto", "none", "zip", "gzip"] = "auto"
    member: str | None = Field(default=None, description="pattern of the file in a zip, such as *.csv")
    sheet: str | Annotated[int, Field(ge=1)] | None = Field(default=None, description="name or 1-based number")
    rows: str | None = Field(default=None, description="dotted path of the list of records in JSON")
    foot: Literal["auto", "keep"] = "auto"
    sheet_code: Annotated[str, AfterValidator(_of_one_group)] | None = Field(
        default=None, description="pattern whose group 1 is the county code"
    )
    cells: tuple[SheetCell, ...] = ()
