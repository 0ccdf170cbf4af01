"""A message that a server works on while its sender does something else."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, TypeAlias

from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})
Answer: TypeAlias = list[tuple[object, ...]]


class UnderWay:
    """One message on a connection, which nobody else may use until it is answered."""

    def __init__(self, connection: psycopg.Connection, message: str) -> None:
        """Send it."""
        self._connection = connection
        self._server = connection.pgconn
        self._server.send_query(message.encode(connection.info.encoding))
        while self._server.flush():
            select.select([self._server.socket], [self._server.socket], [])
            self._server.consume_input()  # a server that must be heard reads no further

    def answers(self) -> tuple[list[tuple[str, Answer]], psycopg.Error | None]:
        """Wait, and return what each statement came to: the server's word for it, and its rows.

        Returns:
            The statements that were carried out, and the error that ended the message, if one did.

        Raises:
            psycopg.OperationalError: The connection is lost.
        """
        results = list(iter(self._next, None))
        encoding = self._connection.info.encoding
        failed = [each for each in results if each.status in FAILED]
        if failed and self._connection.closed:
            raise error_from_result(failed[0], encoding)
        done = [each for each in results if each.status not in FAILED]
        return [_read(each, encoding) for each in done], (
            error_from_result(failed[0], encoding) if failed else None
        )

    def _next(self) -> PGresult | None:
        while self._server.is_busy():
            select.select([self._server.socket], [], [])
            self._server.consume_input()
        return self._server.get_result()


def _read(result: PGresult, encoding: str) -> tuple[str, Answer]:
    rows: Answer = [
        tuple(
            None if (value := result.get_value(row, column)) is None else value.decode(encoding)
            for column in range(result.nfields)
        )
        for row in range(result.ntuples)
    ]
    return (result.command_status or b"").decode(encoding), rows
