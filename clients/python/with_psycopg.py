"""The flows of by_hand.sql, through psycopg."""

import re
from collections.abc import Callable
from typing import Final

import psycopg

from clients.flows import HERE, filled
from clients.python.serving import serve

FLOW: Final = re.compile(r"^-- flow: (\w+)\n(.*?)(?=^-- flow:|\Z)", re.MULTILINE | re.DOTALL)
connection = psycopg.connect(autocommit=True)


def refusal(error: Exception) -> tuple[str | None, str | None]:
    """Return SQLSTATE and constraint of an error."""
    if not isinstance(error, psycopg.Error):
        raise error
    return error.sqlstate, error.diag.constraint_name


def doing(sql: str) -> Callable[[], object]:
    """Return what runs statements in one transaction."""

    def do() -> None:
        with connection.transaction():
            cursor = connection.execute(filled(sql).encode())
            while True:
                if cursor.rowcount == 0:  # somebody else was there first: roll back
                    raise LookupError(cursor.statusmessage)
                if not cursor.nextset():
                    break

    return do


if __name__ == "__main__":
    flows = FLOW.findall((HERE / "by_hand.sql").read_text())
    serve({name: doing(sql) for name, sql in flows}, refusal)
