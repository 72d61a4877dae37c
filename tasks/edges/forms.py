"""Forms as data: what a delivery of each kind holds, and the SQL that types its rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from methods.errors import SettingWrong
from tasks.edges.settings import settings

Kind = Literal[
    "text", "name", "code", "choice", "flag", "count", "money", "decimal", "date", "province", "county",
    "national_id", "legal_id", "iban", "mobile", "postcode",
]  # fmt: skip

# Few distinct values: each is read once in Python, and rows join what was read.
READ_ONCE = ("choice", "flag", "date", "province", "county")
# Read row by row, unless a delivery turns out to repeat the same few cells.
RECURRING = ("name", "count", "money", "decimal")
IDENTIFIERS = ("national_id", "legal_id", "iban", "mobile", "postcode")
SQL_TYPES = {"flag": "boolean", "count": "integer", "money": "bigint", "decimal": "numeric", "date": "date"}
# Reason a row is given back for when a filled cell cannot be read.
UNREAD = {
    "text": "missing", "name": "missing", "code": "code_too_long", "choice": "choice_unknown", "flag": "choice_unknown",
    "date": "date_impossible", "province": "province_unknown", "county": "county_unknown",
} | {kind: f"{kind}_invalid" for kind in IDENTIFIERS}  # fmt: skip
LONGEST_READ_ONCE = 200
# What is longer names nothing; nor would a page of an index take it.
LONGEST_CODE = 100
# Between a county and the province it must lie in; methods.geography reads them so.
PAIR = " / "
FIRST_DAY = "date '1970-01-01'"
# Comparing a cell with so many is quicker than to look it up among them.
MOST_FEW = 4
NO_FEW: Mapping[str, Sequence[str]] = {}
LARGEST_COUNT = 2**31 - 1
LARGEST_MONEY = 10**17


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column of a form."""

    kind: Kind
    label_fa: str
    required: bool = False
    upper: bool = Field(default=False, description="a code whose letters are capitals")
    few_values: bool = Field(default=False, description="a code of so few distinct values that they are read once each")
    choices: dict[str, str] = Field(default={}, description="code -> label, of a choice")
    minimum: int = 0
    maximum: int = LARGEST_MONEY
    if_empty: str | None = Field(default=None, description="what an empty cell means")

    @property
    def is_read_once(self) -> bool:
        """Say whether its distinct values are read, not its rows."""
        return self.kind in READ_ONCE or (self.kind == "code" and self.few_values)

    @property
    def sql_type(self) -> str:
        """Type of its column of staging."""
        return SQL_TYPES.get(self.kind, "text")

    @property
    def reason(self) -> str:
        """Reason a row is given back for when a filled cell cannot be read."""
        return UNREAD.get(self.kind, "number_out_of_range")


class Derived(_Strict):
    """A column of staging that no agency delivers."""

    type: str
    value: str = Field(description="SQL over the columns of the form and :agency_code")


class Rule(_Strict):
    """What a row may not hold, across its columns."""

    reason: str
    column: str
    breaks: str = Field(description="SQL over the columns of staging: true for a row to be given back")


class Form(_Strict):
    """One kind of delivery."""

    form: str = Field(pattern=r"^[a-z][a-z_]*$")
    label_fa: str
    key: tuple[str, ...] = Field(description="columns of staging that tell rows of one delivery apart")
    columns: dict[str, Column]
    derived: dict[str, Derived] = {}
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _names_its_own_columns(self) -> Form:
        known = set(self.staging_types)
        unknown = [*(set(self.key) - known), *({rule.column for rule in self.rules} - set(self.columns))]
        if unknown:
            raise ValueError(f"key and rules name columns it does not have: {', '.join(sorted(unknown))}")
        if "county" in self.kinds and "county" not in self.columns:
            raise ValueError("a column of kind county is called county")
        return self

    @property
    def key_marks(self) -> list[str]:
        """SQL that tells keys apart; text, which may be long, by its digest, since an index page holds no long key."""
        free = {name for name, column in self.columns.items() if column.kind in ("text", "name")}
        return [f"md5({name})" if name in free else name for name in self.key]

    @property
    def kinds(self) -> set[str]:
        """Kinds its columns have."""
        return {column.kind for column in self.columns.values()}

    @property
    def staging_types(self) -> dict[str, str]:
        """Columns of its staging table that rows fill, with their SQL types."""
        types = {name: derived.type for name, derived in self.derived.items()}
        for name, column in self.columns.items():
            for target in _targets(self, name, column):
                types[target] = column.sql_type
        return types

    @property
    def read_once(self) -> dict[str, Column]:
        """Columns whose distinct values are read."""
        return {name: column for name, column in self.columns.items() if column.is_read_once}

    @property
    def recurring(self) -> list[str]:
        """Columns read row by row whose cells may be few all the same."""
        return [name for name, column in self.columns.items() if column.kind in RECURRING]

    def is_pair(self, name: str) -> bool:
        """Say whether a column is read together with the province beside it."""
        return self.columns[name].kind == "county" and _is_paired(self)


def load_all() -> dict[str, Form]:
    """Read every form, by name; a folder named earlier in PAYESH_FORMS wins."""
    return dict(_load_folders(settings().form_folders))


@cache
def _load_folders(folders: tuple[Path, ...]) -> Mapping[str, Form]:
    forms: dict[str, Form] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            form = _load(path)
            forms.setdefault(form.form, form)
    return forms


def _load(path: Path) -> Form:
    try:
        return Form.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingWrong(place=str(path), found=str(error).replace("\n", " "), wanted="YAML in UTF-8") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingWrong(
            place=f"{path}, {'.'.join(map(str, first['loc'])) or 'top level'}",
            found=repr(first.get("input"))[:80],
            wanted=first["msg"],
        ) from error


# SQL -------------------------------------------------------------------------------------------
# Readable on its own: tests/golden holds what is written for a form.


def table_statements(form: Form) -> list[str]:
    """Write the statements that make its tables, or add the columns they lack."""
    # No reference to landing.delivery: checking it row by row would double the time of a large delivery.
    landing = {"delivery_id": "text not null", "row_number": "integer not null", "row_fault": "text"}
    landing |= dict.fromkeys(form.columns, "text")
    staging = {"year": "integer not null", "phase": "integer not null", "delivery_id": "text not null"}
    staging |= {"row_number": "integer not null"} | form.staging_types
    # What must be there is held by the table too: a fault that nobody saw stops the delivery.
    for target in _required_targets(form):
        staging[target] += " not null"
    return [
        *_table(f"landing.{form.form}", landing),
        *_table(f"staging.{form.form}", staging),
    ]


def distinct_rows(form: Form) -> str:
    """Write the rowset of `landing.distinct_value`: what was delivered in the columns that are read once a value."""
    parts = [
        f"select distinct :delivery_id as delivery_id, '{name}' as column_name, {_delivered(form, name)} as delivered\n"  # noqa: S608
        f"from landing.{form.form} as landed\n"
        f"where landed.delivery_id = :delivery_id and length({_delivered(form, name)}) <= {LONGEST_READ_ONCE}"
        for name in form.read_once
    ]
    nothing = "select cast(null as text) as delivery_id, null as column_name, null as delivered where false"
    return "\nunion all\n".join(parts) or nothing


def recurring_statement(form: Form) -> str:
    """Write the query for the columns that are read row by row and of which all distinct cells were kept."""
    names = ", ".join(f"'{name}'" for name in form.recurring) or "null"
    return (
        "select distinct column_name from landing.distinct_value\n"  # noqa: S608
        f"where delivery_id = :delivery_id and column_name in ({names})"
    )


def few_statement() -> str:
    """Write the query for the columns of which few distinct cells were delivered, with these cells."""
    return (
        "select column_name, array_agg(delivered order by delivered) as cells from landing.distinct_value\n"  # noqa: S608
        f"where delivery_id = :delivery_id group by column_name having count(*) <= {MOST_FEW}"
    )


def conformed_rows(
    form: Form,
    units: Mapping[str, int],
    joined: Collection[str] = (),
    recurring: Collection[str] = (),
    few: Mapping[str, Sequence[str]] = NO_FEW,
) -> str:
    """Write the rowset that types every row of a delivery and collects its faults.

    Args:
        form: the form of the delivery.
        units: rial in one delivered unit of money, by column; 1 where it is missing.
        joined: columns of so many distinct values that rows join them.
        recurring: columns read row by row of which all distinct cells are known; each of these is read once.
        few: cells of a column that are tried before all are looked through; see `few_parameters`.
    """
    read: list[str] = []
    typed: list[str] = []
    for name, column in form.columns.items():
        if name in recurring:
            read += _recalled(name, column, units.get(name, 1), len(few.get(name, ())))
        else:
            read += _read(form, name, column, units.get(name, 1), name in joined, len(few.get(name, ())))
        typed += _typed(form, name, column, is_bounded=name in recurring)
    cells = [f"{name}_cell" for name in form.columns]
    reasons = [_reason(form, name, name in joined) for name in form.read_once]
    joins = [_join(form, name) for name in form.read_once if name in joined]
    derived = [f"cast({one.value} as {one.type}) as {name}" for name, one in form.derived.items()]
    own = ["cast(:year as integer) as year", "cast(:phase as integer) as phase"]
    own.append("cast(:delivery_id as text) as delivery_id")
    return "\n".join(
        [
            "select",
            _list([*own, "row_number", *derived, *_row_columns(form), f"{_faults(form)} as faults"]),
            "from (",
            "select",
            _list(["row_number", "row_fault", *cells, *reasons, *typed]),
            "from (",
            "select",
            _list(["landed.row_number", "landed.row_fault", *read]),
            f"from landing.{form.form} as landed",
            *joins,
            "where landed.delivery_id = :delivery_id",
            # An offset keeps the planner from merging the levels, and so from reading each cell thrice; written
            # as a bigint it is seen to be none before the levels are planned, and all of them run on every core.
            "offset bigint '0') as cell",
            "offset bigint '0') as typed",
        ]
    )


def few_parameters(few: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give the parameters of `conformed_rows` for the few cells of columns."""
    return {_few(name, number): cell for name, cells in few.items() for number, cell in enumerate(cells)}


def carry_over_rows(form: Form, by_key: bool) -> str:
    """Write the rowset of the former delivery's rows that a patch does not replace.

    Args:
        form: the form of both.
        by_key: a patch of rows of their own replaces by key; one made of the former's rows, by row number.
    """
    columns = _list(["row_fault", *form.columns])
    if by_key:
        number = "former.row_number + (select coalesce(max(row_number), 0) from landed)"
        same = " and ".join(f"{_bare_cell('landed', name)} = {_bare_cell('former', name)}" for name in _key_cells(form))
    else:
        number, same = "former.row_number", "landed.row_number = former.row_number"
    return f"""
with landed as (select * from landing.{form.form} where delivery_id = :delivery_id)
select cast(:delivery_id as text) as delivery_id, {number} as row_number,
{columns}
from landing.{form.form} as former
where former.delivery_id = :former_id and not exists (select 1 from landed where {same})
"""  # noqa: S608


def repeated_statement(form: Form, conformed: str) -> str:
    """Write the query for rows whose key an earlier row of the delivery has.

    Args:
        form: the form of the delivery.
        conformed: table of its conformed rows.
    """
    key = ", ".join(form.key)
    filled = " and ".join(f"{name} is not null" for name in form.key)
    # Keys are told apart by their hashes first, which all cores sort; then the few that are alike by themselves.
    mark = f"hash_record_extended(row({key}), 0)"
    return (
        f"select row_number, place from (\n"  # noqa: S608
        f"    select\n"
        f"        row_number, ctid as place,\n"
        f"        row_number() over (partition by {key} order by row_number) as occurrence\n"
        f"    from {conformed}\n"
        f"    where {filled} and {mark} in (\n"
        f"        select mark from (\n"
        f"            select mark, mark = lag(mark) over (order by mark) as is_again\n"
        f"            from (select {mark} as mark from {conformed} where {filled}) as marked\n"
        f"        ) as sorted where is_again\n"
        f"    )\n"
        f") as twice where occurrence > 1"
    )


def fault_statement(form: Form, conformed: str, has_repeats: bool) -> str:
    """Write the query for every fault of a delivery: row_number, reason_code, column_name, found, place of the row.

    Args:
        form: the form of the delivery.
        conformed: table of its conformed rows.
        has_repeats: whether some of them have the key of another.
    """
    faults = f"""
select
    row_number, split_part(written, ' ', 1) as reason_code, split_part(written, ' ', 2) as column_name,
    -- Behind two words, the cell as it was delivered.
    nullif(regexp_replace(written, '^[^ ]* [^ ]* ?', ''), '') as found, {conformed}.ctid as place
from {conformed} cross join unnest(faults) as written
where faults is not null
"""  # noqa: S608
    return f"{faults}union all{_repeated_faults(form, conformed)}" if has_repeats else faults


def _repeated_faults(form: Form, conformed: str) -> str:
    key = _key_column(form)
    return f"""
select repeated.row_number, 'repeated', '{key}', {_cell_found(form, key, "landed.{}")}, repeated.place
from ({repeated_statement(form, conformed)}) as repeated
inner join landing.{form.form} as landed
    on landed.delivery_id = :delivery_id and landed.row_number = repeated.row_number
"""  # noqa: S608


def keep_accepted_statements(conformed: str) -> list[str]:
    """Write the statements that leave just the rows without a fault of a table of conformed rows."""
    return [
        # By its place, which is known: a search by number would read them all again.
        f"delete from {conformed} where ctid = any(array(select place from fault))",  # noqa: S608
        f"alter table {conformed} drop column faults",
    ]


def rejected_rows() -> str:
    """Write the rowset of `staging.rejected_row`: each fault with what was delivered in its place."""
    return """
select
    cast(:year as integer) as year, cast(:phase as integer) as phase, cast(:delivery_id as text) as delivery_id,
    fault.row_number, fault.reason_code, fault.column_name, left(fault.found, 500) as found, one_read.candidates
from fault
left join staging.delivered_value as one_read
    on one_read.delivery_id = :delivery_id and one_read.column_name = fault.column_name
    and one_read.delivered = fault.found
"""


def rejected_cells(form: Form) -> str:
    """Write the query for the rows of a delivery that were given back, as they were delivered."""
    columns = ", ".join(form.columns)
    return (
        f"select row_number, {columns} from landing.{form.form}\n"  # noqa: S608
        f"where delivery_id = :delivery_id and row_number in (\n"
        f"    select row_number from staging.rejected_row where delivery_id = :delivery_id\n"
        f") order by row_number"
    )


def change_statement(form: Form) -> str:
    """Write the query for what a delivery changed against another: rows by key, and cells by column."""
    # A part of the key may be empty, in both.
    same = " and ".join(f"coalesce(now.{name}::text, '') = coalesce(before.{name}::text, '')" for name in form.key)
    others = [name for name in _row_columns(form) if name not in form.key]
    altered = [
        f"count(*) filter (where is_in_both and now_{name} is distinct from before_{name}) as {name}" for name in others
    ]
    either = " or ".join(f"now_{name} is distinct from before_{name}" for name in others) or "false"
    columns = [f"now.{name} as now_{name}, before.{name} as before_{name}" for name in others]
    return f"""
select
    count(*) filter (where is_new) as added_count,
    count(*) filter (where is_gone) as gone_count,
    count(*) filter (where is_in_both and ({either})) as altered_count,
    {", ".join(altered) or "0 as none"}
from (
    select
        before.row_number is null as is_new, now.row_number is null as is_gone,
        now.row_number is not null and before.row_number is not null as is_in_both,
        {", ".join(columns) or "1 as one"}
    from (select * from staging.{form.form} where delivery_id = :delivery_id) as now
    full join (select * from staging.{form.form} where delivery_id = :against) as before
        on {same}
) as beside
"""  # noqa: S608


def _table(name: str, columns: Mapping[str, str]) -> Iterator[str]:
    body = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    # Each delivery is a partition of its own: it is filled before anybody sees it, on all cores and past the log.
    # What tells its rows apart is held by an index of its own, so that the key of a form may change.
    yield f"create table if not exists {name} ({body}) partition by list (delivery_id)"
    yield f"create table if not exists {name}_0 partition of {name} default"
    kinds = {column: kind.removesuffix(" not null") for column, kind in columns.items()}
    changes = [f"add column if not exists {column} {kind}" for column, kind in kinds.items()]
    # Older warehouses told rows apart by their number.
    changes.append(f"drop constraint if exists {name.partition('.')[2]}_pkey")
    yield f"alter table {name} {', '.join(changes)}"


def _required_targets(form: Form) -> list[str]:
    required = [(name, column) for name, column in form.columns.items() if column.required]
    return [target for name, column in required for target in _targets(form, name, column)]


def _targets(form: Form, name: str, column: Column) -> Mapping[str, str]:
    """Columns of staging that a delivered column fills, with the read value of each."""
    if column.kind == "name":
        return {name: name, f"{name}_key": f"{name}_key"}
    if column.kind == "province":
        return {"province_code": name}
    if column.kind == "county":
        # A county alone says its province; beside a province it must lie in it.
        return {"county_code": name} if _is_paired(form) else {"province_code": f"left({name}, 2)", "county_code": name}
    return {name: name}


def _is_paired(form: Form) -> bool:
    return {"province", "county"} <= form.kinds


def _key_cells(form: Form) -> list[str]:
    """Delivered columns that the key is read from; what is derived is the same in each row."""
    cells = [_cell_of_key(form, name) for name in form.key]
    beside = ["province"] if "county" in cells and _is_paired(form) else []
    return list(dict.fromkeys(name for name in [*cells, *beside] if name in form.columns))


def _bare_cell(table: str, name: str) -> str:
    # A part of the key may be empty, in both.
    return f"coalesce(reference.conform({table}.{name}), '')"


def _key_column(form: Form) -> str:
    return _cell_of_key(form, form.key[0])


def _cell_of_key(form: Form, name: str) -> str:
    return name if name in form.columns else name.removesuffix("_code")


def _delivered(form: Form, name: str) -> str:
    if form.is_pair(name):
        return f"(landed.county || '{PAIR}' || coalesce(landed.province, ''))"
    return f"landed.{name}"


def _join(form: Form, name: str) -> str:
    return (
        f"left join staging.delivered_value as {name}_read\n"
        f"    on {name}_read.delivery_id = :delivery_id and {name}_read.column_name = '{name}'"
        f" and {name}_read.delivered = {_delivered(form, name)}"
    )


def _looked_up(name: str, what: str) -> str:
    # Made once for the whole statement: to look a value up in it costs a tenth of a join.
    return (
        f"(select {what} from staging.delivered_value"  # noqa: S608
        f" where delivery_id = :delivery_id and column_name = '{name}')"
    )


def _reason(form: Form, name: str, is_joined: bool) -> str:
    if is_joined:
        return f"{name}_reason"
    unread = _looked_up(name, "jsonb_object_agg(delivered, coalesce(reason_code, '')) filter (where value is null)")
    cell = f"(county_cell || '{PAIR}' || coalesce(province_cell, ''))" if form.is_pair(name) else f"{name}_cell"
    # A cell too long to have been read is not among them.
    reason = f"nullif(coalesce({unread}\n    ->> {cell}, '{form.columns[name].reason}'), '')"
    return f"case when {name} is null and {name}_cell is not null then {reason} end as {name}_reason"


def _few(name: str, number: int) -> str:
    return f"few_{name}_{number}"


def _tried_first(name: str, cell: str, few: int, look_up: Callable[[str], str]) -> str:
    """Write a look-up that tries a few cells first: to compare a cell costs a tenth of looking it up."""
    if not few:
        return look_up(cell)
    tried = [f"cast(:{_few(name, number)} as text)" for number in range(few)]
    # A query that depends on no row is run once.
    arms = "".join(f"\n        when {one} then (select {look_up(one)})" for one in tried)
    return f"case {cell}{arms}\n        else {look_up(cell)} end"


def _read(form: Form, name: str, column: Column, unit: int, is_joined: bool, few: int) -> list[str]:
    cell = f"landed.{name}"
    kept = f"{cell} as {name}_cell"
    if is_joined:
        # A cell too long to have been read has no row there.
        reason = f"case when {name}_read.delivered is null then '{column.reason}' else {name}_read.reason_code end"
        return [kept, f"{name}_read.value as {name}", f"{reason} as {name}_reason"]
    if column.is_read_once:
        is_day = column.kind == "date"
        # A day that is looked up as a number costs a third of one that is read as a date.
        value = f"cast(cast(value as date) - {FIRST_DAY} as text)" if is_day else "value"
        known = _looked_up(name, f"jsonb_object_agg(delivered, {value}) filter (where value is not null)")

        def look_up(delivered: str) -> str:
            found = f"{known}\n    ->> {delivered}"
            return f"{FIRST_DAY} + cast({found} as integer)" if is_day else found

        return [kept, f"{_tried_first(name, _delivered(form, name), few, look_up)} as {name}"]
    if column.kind == "name":
        key = f"nullif(reference.name_key({cell}), '') as {name}_key"
        return [kept, f"nullif(btrim({cell}), '') as {name}", key]
    if column.kind == "national_id":
        return [kept, f"reference.national_number({cell}) as {name}_number"]
    return [kept, f"{_read_cell(cell, column, unit)} as {name}"]


def _recalled(name: str, column: Column, unit: int, few: int) -> list[str]:
    """Read what recurs by the very functions that read rows, once for each distinct cell."""
    target, typed, value = name, _read_cell("delivered", column, unit), _bounded(name, column)
    if column.kind == "name":
        target, typed, value = f"{name}_key", "reference.name_key(delivered)", f"nullif({name}, '')"
    once = (
        f"(select jsonb_object_agg(delivered, cast({value} as text)) from (\n"  # noqa: S608
        f"        select delivered, {typed} as {name} from landing.distinct_value\n"
        f"        where delivery_id = :delivery_id and column_name = '{name}' offset bigint '0'\n"
        f"    ) as once)"
    )

    def look_up(cell: str) -> str:
        return f"cast({once}\n    ->> {cell} as {column.sql_type})"

    read = [f"landed.{name} as {name}_cell"]
    if column.kind == "name":
        read.append(f"nullif(btrim(landed.{name}), '') as {name}")
    return [*read, f"{_tried_first(name, f'landed.{name}', few, look_up)} as {target}"]


def _read_cell(cell: str, column: Column, unit: int) -> str:
    if column.kind == "text":
        return f"nullif(btrim({cell}), '')"
    if column.kind == "code":
        conformed = f"nullif(reference.conform({cell}), '')"
        return f"upper({conformed})" if column.upper else conformed
    if column.kind in IDENTIFIERS:
        return f"reference.{column.kind}({cell})"
    if column.kind == "count" or (column.kind == "money" and unit == 1):
        return f"reference.whole_number({cell})"
    return f"reference.amount({cell})" + (f" * {unit}" if column.kind == "money" else "")


def _typed(form: Form, name: str, column: Column, is_bounded: bool) -> Iterator[str]:
    for target, read in _targets(form, name, column).items():
        value = read if is_bounded else _bounded(read, column)
        if column.if_empty is not None:
            empty = {"1": "true", "0": "false"}[column.if_empty] if column.kind == "flag" else f"'{column.if_empty}'"
            value = f"coalesce({value}, case when {_is_empty(name)} then {empty} end)"
        yield f"{value} as {target}"


def _bounded(value: str, column: Column) -> str:
    if column.kind == "code" and not column.is_read_once:
        return f"case when length({value}) <= {LONGEST_CODE} then {value} end"
    if column.kind == "national_id":
        return f"reference.numbered_national_id({value}_cell, {value}_number)"
    if column.kind == "flag":
        return f"({value} = '1')"
    if column.kind == "date":
        return f"cast({value} as date)"
    if column.kind in ("count", "money", "decimal"):
        largest = min(column.maximum, LARGEST_COUNT) if column.kind == "count" else column.maximum
        kind = SQL_TYPES[column.kind]
        whole = f" and {value} = trunc({value})" if column.kind == "money" else ""
        return f"case when {value} between {column.minimum} and {largest}{whole} then cast({value} as {kind}) end"
    return value


def _row_columns(form: Form) -> list[str]:
    return [name for name in form.staging_types if name not in form.derived]


def _faults(form: Form) -> str:
    tests, marks = ["row_fault is not null"], ["case when row_fault is not null then row_fault || ' row' end"]
    for name, column in form.columns.items():
        each = list(_column_faults(form, name, column))
        # What is required and was not read is a fault, whichever it is.
        target = list(_targets(form, name, column))[-1]
        tests += [f"{target} is null"] if column.required else [test for test, _ in each]
        for test, reason in each:
            marks.append(f"case when {test} then {reason} || ' {name}' || {_found(form, name)} end")
    for rule in form.rules:
        tests.append(f"({rule.breaks})")
        marks.append(f"case when {rule.breaks} then '{rule.reason} {rule.column}' || {_found(form, rule.column)} end")
    either = "\n        or ".join(tests)
    every = ",\n        ".join(marks)
    return f"case when {either} then array_remove(array[\n        {every}\n    ], null) end"


def _found(form: Form, name: str) -> str:
    return f"coalesce(' ' || {_cell_found(form, name, '{}_cell')}, '')"


def _cell_found(form: Form, name: str, cell: str) -> str:
    if form.is_pair(name):
        return f"{cell.format('county')} || '{PAIR}' || {cell.format('province')}"
    return cell.format(name)


def _column_faults(form: Form, name: str, column: Column) -> Iterator[tuple[str, str]]:
    target = list(_targets(form, name, column))[-1]
    if column.required:
        yield f"{target} is null and {_is_empty(name)}", "'missing'"
    reason = f"{name}_reason" if column.is_read_once else f"'{column.reason}'"
    if column.kind == "code" and not column.is_read_once:
        # Short, and nothing all the same: signs nobody sees.
        reason = f"case when length({name}_cell) > {LONGEST_CODE} then {reason} else 'missing' end"
    known = f" and {reason} is not null" if column.is_read_once else ""
    if column.is_read_once and column.required:
        # Signs nobody sees are read as nothing, without a reason; where something must stand they are not enough.
        reason, known = f"coalesce({reason}, '{column.reason}')", ""
    # A value that was read spares the look at its cell.
    yield f"{target} is null and not {_is_empty(name)}{known}", reason


def _is_empty(name: str) -> str:
    return f"coalesce(btrim({name}_cell), '') = ''"


def _list(items: Sequence[str]) -> str:
    return "    " + ",\n    ".join(items)
