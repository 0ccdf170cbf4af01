"""Reads of a load: which version of some rows a transaction saw, told by who wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import psycopg

Row = tuple[str, str]  # the table, and the id

OWN: Final = "SELECT pg_current_xact_id()::text"
NOTHING: Final = "SELECT NULL::text, NULL::text, NULL::text WHERE false"


@dataclass(frozen=True, slots=True)
class Record:
    """A transaction that committed, as the client saw it.

    Attributes:
        xid: its number, as the server has it.
        client: who asked for it.
        level: its isolation level, such as `REPEATABLE READ`.
        reads: by row, the transaction whose version it read before it wrote anything.
        began, ended: on the client's clock, in seconds: sent, and acknowledged.
    """

    xid: int
    client: int
    level: str
    reads: Mapping[Row, int]
    began: float
    ended: float


def reading(rows: Iterable[Row]) -> str:
    """Return the query for who wrote the versions of some rows that a transaction sees."""
    parts = []
    for table, some in groupby(sorted(set(rows)), key=itemgetter(0)):
        keys = ", ".join(f"'{key}'" for _, key in some)
        parts.append(
            f"SELECT '{table}', id::text, xmin::text FROM public.{table} WHERE id IN ({keys})"
        )
    return " UNION ALL ".join(parts) or NOTHING


def answers(cursor: psycopg.Cursor[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of each query of a message."""
    while True:
        if cursor.description is not None:
            yield cursor.fetchall()
        if not cursor.nextset():
            return


def record(
    client: int,
    level: str,
    answered: Sequence[Sequence[tuple[Any, ...]]],
    began: float,
    ended: float,
) -> Record:
    """Return the record of a transaction whose first query was `reading`, and whose last `OWN`."""
    (((own,),)) = answered[-1]
    reads = {(table, key): int(xid) for table, key, xid in answered[0]}
    return Record(int(own), client, level, reads, began, ended)
