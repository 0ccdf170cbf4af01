"""A session on a scratch database: transactions that really commit, and the way back to empty."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Self, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from conformance.engine.database.acting import become
from conformance.engine.database.under_way import Answer, UnderWay
from conformance.engine.sql.outcomes import INCONCLUSIVE, Accepted, Inconclusive, Outcome, Rejected
from conformance.engine.sql.writes import Path, Statement, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from conformance.engine.cases.scenario import Settings
    from conformance.engine.database.hanging import Stuck
    from conformance.engine.sql.writes import Write

# Transactions, and what became of each.
History: TypeAlias = list[tuple[tuple[Statement, ...], Outcome]]
BEGAN = "conformance_began"
TIME = Statement("SELECT extract(epoch FROM pg_catalog.now()) AS conformance_began")
# Statements of which several, in one message, are one transaction without a BEGIN. A savepoint
# needs one, and a procedure may end its transaction without one.
PLAIN = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|MERGE|WITH|SELECT|TRUNCATE|SET (?:LOCAL|CONSTRAINTS))\b",
    re.IGNORECASE,
)
# A statement that takes longer than this is stuck. Examples take milliseconds.
CANCELED = "57014"
PATIENCE = "CONFORMANCE_PATIENCE"  # by how much timeouts are longer, for what has met one
TIMES = float(os.environ.get(PATIENCE) or 1)


def timeouts(statement: float, lock: float) -> str:
    """Return what limits a session, in seconds, which are more where patience is asked for."""
    return (
        f"SET statement_timeout = '{1000 * statement * TIMES:.0f}ms'; "
        f"SET lock_timeout = '{1000 * lock * TIMES:.0f}ms'"
    )


TIMEOUTS = timeouts(20, 10)


def told(answer: Sequence[tuple[object, ...]]) -> str:
    """Return rows in words: of one value, that value."""
    if len(answer) == 1 and len(answer[0]) == 1:
        return repr(answer[0][0])
    return ", ".join(map(repr, answer)) or "no row"


class Session:
    """One connection, in autocommit: each transaction is one `transact`."""

    def __init__(self, conninfo: str, role: str | None = None, stuck: Stuck | None = None) -> None:
        """Connect, as a role if one is named; what has hung is tried each time, or known.

        Raises:
            psycopg.OperationalError: The database cannot be reached.
            RoleError: There is no such role, or it is not for us to act as.
        """
        self.connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
        try:
            self.connection.execute(TIMEOUTS)
            if role is not None:
                become(self.connection, role)
        except BaseException:
            self.connection.close()
            raise
        self._stuck = stuck
        self.history: History = []
        self.began = (
            Decimal()
        )  # the time of the transaction that `run` carried out last, in seconds

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.connection.close()

    def transact(self, writes: Sequence[Write], path: Path = Path.UPDATE) -> Outcome:
        """Carry out writes in one transaction; the last one along the path, the others plainly."""
        return self.run(in_order(writes, path))

    def run(self, body: Sequence[Statement]) -> Outcome:
        """Run statements in one transaction, commit it, and note what became of it in `history`.

        Without a COPY among them, they travel in one message.
        """
        result = self._run(body)
        self.history.append((tuple(body), result))
        return result

    def _run(self, body: Sequence[Statement]) -> Outcome:
        refused = self._stuck.refuses(body) if self._stuck is not None else None
        if refused is not None:
            return refused
        try:
            if _is_one_message(body):
                self._note_time(self.connection.execute(_alone([*body, TIME])))
            else:
                self._run_each(body)
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            return self.take_back(body, error)
        return Accepted()

    def take_back(self, body: Sequence[Statement], error: psycopg.Error) -> Outcome:
        """End a transaction that an error has ended, and return what became of it."""
        if self.connection.info.transaction_status != TransactionStatus.IDLE:
            self.connection.execute("ROLLBACK")
        if self._stuck is not None and error.sqlstate == CANCELED:
            self._stuck.note(body)
        return outcome(error)

    def start(
        self,
        body: Sequence[Statement],
        then: Sequence[str] = (),
        history: History | None = None,
    ) -> Started:
        """Begin what `run` does, and let the server work on it meanwhile.

        Nothing else may use the session before its end.

        Args:
            body: the statements.
            then: queries that are asked in the same message, if the transaction is accepted.
            history: of another session, if it is to be part of that.
        """
        known = self.history if history is None else history
        refused = self._stuck.refuses(body) if self._stuck is not None else None
        if refused is not None or not _is_one_message(body):
            return Started(self, known, body, refused or self._run(body))
        message = ";\n".join((_transaction(body), *then)) if then else _alone(body)
        return Started(self, known, body, UnderWay(self.connection, message), len(then))

    def send(self, statement: Statement) -> Outcome:
        """Send one statement as it is, in the transaction that is open if there is one.

        Whoever opened a transaction ends it: an error leaves it open, and aborted.
        """
        refused = self._stuck.refuses([statement]) if self._stuck is not None else None
        if refused is not None:
            return refused
        try:
            self._send(statement)
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            if self._stuck is not None and error.sqlstate == CANCELED:
                self._stuck.note([statement])
            return outcome(error)
        return Accepted()

    @contextmanager
    def under(self, settings: Settings) -> Iterator[None]:
        """Set what a caller may have set, for a while.

        Where names are looked for is left alone: violation queries are asked meanwhile.
        """
        some = [each for each in settings if each[0] != "search_path"]
        self._execute_all([f"SET {name} = '{value}'" for name, value in some])
        try:
            yield
        finally:
            if not self.connection.closed:
                self._execute_all([f"RESET {name}" for name, _ in some])

    def fetch(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query, outside any transaction."""
        return self.connection.execute(query).fetchall()

    def ask(self, query: str) -> list[tuple[object, ...]] | Inconclusive | Rejected:
        """Return the rows of one query or several, outside any transaction; or why there are none.

        Who begins a transaction with them ends it, with them or, after an error, by itself.
        """
        try:
            return self.fetch_all(query)
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            return outcome(error)

    def another(self) -> Session:
        """Return another session on the same database, of the same user."""
        info = self.connection.info
        return Session(make_conninfo(info.dsn, password=info.password or None))

    def fetch_all(self, queries: str) -> list[tuple[object, ...]]:
        """Return the rows of all queries of one message, outside any transaction."""
        cursor = self.connection.execute(queries)
        rows = []
        while True:
            if cursor.description is not None:
                rows += cursor.fetchall()
            if not cursor.nextset():
                return rows

    def _execute_all(self, commands: Sequence[str]) -> None:
        if commands:
            self.connection.execute(";\n".join(commands))

    def _run_each(self, body: Sequence[Statement]) -> None:
        self.connection.execute("BEGIN")
        for statement in body:
            self._send(statement)
        self._note_time(self.connection.execute(TIME.sql))
        self.connection.execute("COMMIT")

    def _note_time(self, cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
        """Take the time of a transaction from its answers, of which it is the last with rows."""
        while True:
            if cursor.description is not None and cursor.description[0].name == BEGAN:
                (row,) = cursor.fetchall()
                self.began = Decimal(str(row[0]))
            if not cursor.nextset():
                return

    def _send(self, statement: Statement) -> None:
        if statement.data is None:
            self.connection.execute(statement.sql)
        else:
            with self.connection.cursor().copy(statement.sql) as copy:
                copy.write(statement.data)


class Started:
    """A transaction that is under way, or over already."""

    def __init__(
        self,
        session: Session,
        history: History,
        body: Sequence[Statement],
        doing: UnderWay | Outcome,
        asked: int = 0,
    ) -> None:
        """Take it that a session is doing it, and is asked so many queries after it."""
        self._session = session
        self._history = history
        self._body = tuple(body)
        self._doing = doing
        self._asked = asked

    def end(self) -> tuple[Outcome, list[Answer]]:
        """Wait for what becomes of it, and note that in the history.

        Returns:
            The outcome, and the rows of each query that was answered: all of them, or none.

        Raises:
            psycopg.Error: One of the queries failed.
        """
        result, answers = self._doing, list[Answer]()
        if isinstance(result, UnderWay):
            done, error = result.answers()
            if error is not None and any(status == "COMMIT" for status, _ in done):
                raise error
            if error is None:
                result = Accepted()
                answers = [rows for _, rows in done[len(done) - self._asked :]]
            else:
                result = self._session.take_back(self._body, error)
        self._history.append((self._body, result))
        return result, answers


def _is_one_message(body: Sequence[Statement]) -> bool:
    return all(statement.data is None for statement in body)


def _alone(body: Sequence[Statement]) -> str:
    """Return a message that is one transaction, which an error ends where nothing needs a BEGIN."""
    if all(PLAIN.match(statement.sql) for statement in body):
        return ";\n".join(statement.sql for statement in body)
    return _transaction(body)


def _transaction(body: Sequence[Statement]) -> str:
    return ";\n".join(("BEGIN", *(statement.sql for statement in body), "COMMIT"))


def locally(settings: Settings) -> list[Statement]:
    """Return the statements that set what a caller has set, for one transaction."""
    return [Statement(f"SET LOCAL {name} = '{value}'") for name, value in settings]


def in_order(writes: Sequence[Write], path: Path) -> list[Statement]:
    """Return the statements of a transaction whose last write takes the path."""
    *before, last = writes
    plain = [statement for write in before for statement in statements(write)]
    return [*plain, *statements(last, path)]


def outcome(error: psycopg.Error) -> Inconclusive | Rejected:
    """Return what a server's error means."""
    sqlstate = error.sqlstate or ""
    diag = error.diag
    if sqlstate in INCONCLUSIVE:
        return Inconclusive(sqlstate, diag.message_primary or "")
    return Rejected(
        sqlstate,
        constraint=diag.constraint_name or "",
        table=diag.table_name or "",
        column=diag.column_name or "",
        datatype=diag.datatype_name or "",
        message=diag.message_primary or str(error),
        context=diag.context or "",
    )
