"""Small tables, and every table of whole numbers that fits what is printed of them."""

import pandas as pd

RULES = {"minimum_count": 3, "least_withheld_count": 1, "attack_round_count": 4}
PLACE = {"IR": None, "P1": "IR", "P2": "IR", "P3": "IR"}
AGENCY = {"all": None, "A1": "all", "A2": "all", "A3": "all"}
TABLES = {"place": PLACE, "agency": AGENCY}


def two_way(inner):
    """Add the sums to a table of places by agencies.

    Cells are named by their codes ("P1 A1"); the sums are listed beside them: whole, parts.
    """
    places, agencies = [f"P{row + 1}" for row in range(len(inner))], [f"A{row + 1}" for row in range(len(inner[0]))]
    value = {
        f"{p} {a}": number
        for p, row in zip(places, inner, strict=True)
        for a, number in zip(agencies, row, strict=True)
    }
    sums = [(f"IR {a}", [f"{p} {a}" for p in places]) for a in agencies]
    sums += [(f"{p} all", [f"{p} {a}" for a in agencies]) for p in places]
    sums += [("IR all", [f"{p} all" for p in places]), ("IR all", [f"IR {a}" for a in agencies])]
    return with_sums(value, sums), sums


def with_sums(value, sums):
    value = dict(value)
    for whole, parts in sums:
        value[whole] = sum(value[part] for part in parts)
    return value


def cells_of(value, columns):
    return pd.DataFrame([(*key.split(), number) for key, number in value.items()], columns=[*columns, "value"])


def printed_of(table, columns):
    """What stands in an edition: cell -> its number, None where it is withheld or not listed."""
    hidden = table["is_suppressed"] | ~table.get("is_printed", pd.Series(True, table.index))
    keys = table[[*columns]].agg(" ".join, axis=1)
    return {key: None if gone else int(number) for key, number, gone in zip(keys, table["value"], hidden, strict=True)}


def every_table(sums, printed, cap, not_listed=()):
    """List every table that an outsider must hold possible, by trying all whole numbers up to a cap.

    A number withheld is 1 or more, since none is printed as none; one that no table lists may be none.
    """
    least = {key: 0 if key in not_listed else 1 for key in printed}
    wholes = [whole for whole, _ in sums]
    tables = pd.DataFrame(index=[0])
    for key in printed:
        if key not in wholes:
            numbers = range(least[key], cap + 1) if printed[key] is None else [printed[key]]
            tables = _summed(tables.merge(pd.DataFrame({key: numbers}), how="cross"), sums, printed, least)
    for whole, parts in sums:
        tables = tables[tables[whole] == tables[parts].sum(axis=1)]
    return tables


def _summed(tables, sums, printed, least):
    """Add sums once their parts are there, and leave out what does not fit them."""
    while left := [(whole, parts) for whole, parts in sums if whole not in tables and set(parts) <= {*tables}]:
        for whole, parts in left:
            total = tables[parts].sum(axis=1)
            fits = total >= least[whole] if printed[whole] is None else total == printed[whole]
            tables = tables.assign(**{whole: total})[fits]
    return tables


def told_by_zeros(value):
    """What everyone sees, whatever is withheld."""
    return {key: None if number else 0 for key, number in value.items()}
