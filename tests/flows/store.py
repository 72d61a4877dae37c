"""Asking and altering the warehouse of a rehearsal, past every rule of the pipeline."""

import pandas as pd
import sqlalchemy as sa

from tasks.edges import warehouse


def change(*statements, **values):
    with warehouse.transaction() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), values)


def rows(statement, **values):
    with warehouse.transaction() as connection:
        result = connection.execute(sa.text(statement), values)
        return pd.DataFrame(result.fetchall(), columns=list(result.keys()))
