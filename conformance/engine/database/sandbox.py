"""A database to try rules on: a session, violation queries, and the way back to an empty state."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

import psycopg

from conformance.engine.catalogue import labels
from conformance.engine.catalogue.misfits import Misfits, another_object
from conformance.engine.database import change_log, restore, violations
from conformance.engine.database.session import Session
from conformance.engine.database.sweeper import Sweeper
from conformance.engine.database.undone import Written
from conformance.engine.database.unknown_columns import Spare
from conformance.engine.database.violations import Violations
from conformance.engine.domain.chosen import RULES
from conformance.engine.privileges.missing import missing_privilege
from conformance.engine.sql.arbiters import Arbiters
from conformance.engine.sql.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from types import TracebackType

    from conformance.engine.database.hanging import Stuck
    from conformance.engine.database.session import Started
    from conformance.engine.sql.outcomes import Outcome
    from conformance.engine.sql.writes import Statement

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname),
    (
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    )
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
    AND c.relpersistence IN ('p', 'u')
ORDER BY 1
"""
ENABLED = """
SELECT tgrelid::regclass::text, quote_ident(tgname) FROM pg_trigger
WHERE tgenabled = 'O' AND NOT tgisinternal ORDER BY 1, 2
"""
WRITTEN = "SELECT DISTINCT tbl FROM conformance.changes"
NOTED = "seq, tbl, op, old, new, began, at, via"
LAST = "SELECT coalesce(max(seq), 0) FROM conformance.changes"


class _Copy(NamedTuple):
    """A copy of all rows: what its tables begin with, and the last change that it has seen.

    `tables` are those that had any rows, each with the name of its copy.
    """

    short: str
    last: int
    tables: Mapping[str, str]


class Sandbox:
    """One scratch database, from the time its schema is installed."""

    def __init__(self, conninfo: str, role: str | None = None, stuck: Stuck | None = None) -> None:
        """Connect, put the change log in place, and learn what an empty database holds.

        With a role, `session` writes as that role; `owner` looks on, and is `session` without one.
        With `stuck`, what has hung is not waited for again.
        """
        self.conninfo = conninfo
        self._stuck = stuck
        self.session = Session(conninfo, role, stuck)
        self.owner = Session(conninfo, None, stuck) if role is not None else self.session
        self.role = role  # that `session` writes as; None for the owner
        self._as_roles: dict[str, Session] = {}
        change_log.install(self.owner.connection)
        self._columns = {str(name): str(columns) for name, columns in self.owner.fetch(TABLES)}
        tables = list(self._columns)
        self._noted = frozenset(map(_unquoted, tables))
        self._kept = [table for table in tables if self._has_rows(table)]
        self._emptied = [table for table in tables if table not in self._kept]
        for number, table in enumerate(self._kept):
            self._execute(f"CREATE TABLE conformance.kept_{number} AS TABLE {table}")
        # A session of its own: whoever changes session_replication_role forgets all its plans.
        self._cleaner = Session(conninfo)
        self._replicates = self._may_replicate()
        self._enabled = self.owner.fetch(ENABLED)
        self._written: frozenset[str] | None = None  # since the reset, where that is known
        self._sweeper = Sweeper(self._cleaner.connection, tables)
        self._copies: dict[str, _Copy] = {}
        self._current: str | None = None  # the copy that was brought back last
        self._seen = 0  # the last change that `new_violations` has judged
        self.changed: frozenset[str] = frozenset()  # the tables of which `new_violations` asked
        self._violations = Violations(self.owner, self._noted)
        self.misfits = Misfits.of(self.owner)
        self.labels = self.misfits.labels
        self.arbiters = Arbiters(self.owner)
        self.spare = Spare.of(self.owner)
        self.written = Written(self.owner, self._noted)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the sessions."""
        self.session.connection.close()
        self.owner.connection.close()
        self._cleaner.connection.close()
        for session in self._as_roles.values():
            session.connection.close()

    @contextmanager
    def acting_as(self, role: str) -> Iterator[None]:
        """Let `session` write as a role meanwhile; raises as `Session`."""
        if role not in self._as_roles:
            self._as_roles[role] = Session(self.conninfo, role, self._stuck)
        before = self.session, self.role
        self.session, self.role = self._as_roles[role], role
        try:
            yield
        finally:
            self.session, self.role = before

    def missing_privilege(self, body: Sequence[Statement]) -> str:
        """Return the first right that statements need and our role lacks, or ''."""
        return missing_privilege(body) if self.role is not None else ""

    def knows(self, tokens: AbstractSet[str]) -> bool:
        """Return whether anything in the schema has a token in its name, or speaks of it."""
        return any(labels.is_named(self.owner, token) for token in tokens)

    def another_object(self, outcome: Outcome, about: Iterable[str] = ()) -> str:
        """Return what refused, if that is somebody else's object; or ''.

        Args:
            outcome: what became of a transaction.
            about: rules that it may break. Where one of them has no object of its name here, this
                may be its own.
        """
        other = another_object(outcome)
        known = (self.knows(RULES[rule].tokens) for rule in about if rule in RULES)
        return other if other and all(known) else ""

    def run_as_owner(self, body: Sequence[Statement]) -> Outcome:
        """Run a transaction with the owner's rights, as part of the session's history."""
        outcome = self.owner.run(body)
        if self.owner is not self.session:
            self.session.history.append(self.owner.history.pop())
        return outcome

    def let_time_pass(self, body: Sequence[Statement]) -> Started:
        """Begin a transaction without triggers that makes rows older, as part of the history.

        The change log sees nothing of it. Nor do the other sessions lose their plans.
        """
        self.lose_track()
        return self._cleaner.start(body, history=self.session.history)

    def reset(self) -> None:
        """Make the database as empty as its schema left it."""
        written = self._written
        if written is None:
            written = frozenset(str(table) for (table,) in self.owner.fetch(WRITTEN))
        self._written = None  # should this fail, the next reset asks again
        self._cleaner.connection.execute(self._clearing(written))
        self.session.history.clear()
        self._current = None
        self._sweeper.count()

    def keep(self, name: str) -> bool:
        """Keep a copy of all rows under a name; return whether that can be brought back.

        A role that may not switch off foreign keys and triggers has to write the rows again. What
        ends halfway keeps nothing, and can be tried again.
        """
        if self._replicates and name not in self._copies:
            # Not the name itself: PostgreSQL cuts what is longer than 63 bytes.
            short = f"copy_{len(self._copies)}"
            filled = [table for table in self._columns if self._has_rows(table)]
            copies = {table: f"{short}_{number}" for number, table in enumerate(filled)}
            last = int(str(self.owner.fetch(LAST)[0][0]))
            copied = {**copies, "conformance.changes": f"{short}_changes"}
            self._execute(
                *(f"CREATE TABLE conformance.{copy} AS TABLE {it}" for it, copy in copied.items()),
                restore.function(short, last, self._columns, copies),
            )
            self._copies[name] = _Copy(short, last, copies)
        return self._replicates

    def has_kept(self, name: str) -> bool:
        """Return whether there is a copy of this name to bring back."""
        return name in self._copies

    def lose_track(self) -> None:
        """Take it that rows have changed which the change log has not noted: time has passed."""
        self._current = None
        self._written = None

    def bring_back(self, name: str) -> None:
        """Make the rows those that were kept under a name, and what was noted of them too.

        If nothing else was brought about meanwhile, rows that nobody wrote are left alone.
        """
        kept = self._copies[name]
        if self._current == name:
            self._cleaner.connection.execute(f"SELECT conformance.undo_{kept.short}()")
            self._written, self._seen = None, kept.last
            self._sweeper.count()
            return
        body = ["DELETE FROM conformance.changes"]
        for table, columns in self._columns.items():
            body.append(f"DELETE FROM {table}")
            if table in kept.tables:
                body.append(_copy(table, columns, kept.tables[table]))
        body.append(_copy("conformance.changes", NOTED, f"{kept.short}_changes"))
        self._cleaner.connection.execute(";\n".join(body))  # one message, one transaction
        self._current, self._written, self._seen = name, None, kept.last
        self._sweeper.count()

    def violations(self) -> dict[str, list[str]]:
        """Return the keys of the rows that break each rule that is broken.

        Rules are asked, all in one round trip, if a table that they speak of was written since the
        reset: an empty database breaks none.
        """
        found = self._violations.ask(0)
        self._written = found.tables
        return found.broken

    @property
    def seen(self) -> int:
        """The number of the last change that `new_violations` has judged."""
        return self._seen

    def new_violations(self) -> dict[str, list[str]]:
        """Return what `violations` does, if nothing was broken when this was last asked.

        Only the rules of tables that were written since then, or since rows were brought back, are
        asked.
        """
        return self.new_violations_in(self.owner.fetch(self.asking()))

    def asking(self) -> str:
        """Return the query of which `new_violations` takes the answer."""
        return violations.query(self._seen)

    def new_violations_in(self, rows: Iterable[tuple[object, ...]]) -> dict[str, list[str]]:
        """Return what `new_violations` does, from the answer to its query."""
        found = violations.judgement(rows)
        self._seen = max(self._seen, found.last)
        self.changed = found.tables
        return found.broken

    @property
    def unreadable(self) -> dict[str, str]:
        """The rules that the schema cannot answer, with the server's words."""
        return self._violations.unreadable

    def _clearing(self, written: frozenset[str] | None) -> str:
        """Return what empties the tables, whatever their triggers and keys say.

        It is one message and so, with no BEGIN in it, one transaction, which an error ends.
        Tables that the change log watches are left alone when it has seen nothing of them. A role
        that may not switch off foreign keys truncates all tables at once instead.
        """
        tables = [*self._emptied, *self._kept]
        off: list[str] = []
        on: list[str] = []
        if self._replicates:
            if written is not None:
                kept = {f"public.{quoted(name)}" for name in written}
                tables = [
                    table for table in tables if not table.startswith("public.") or table in kept
                ]
            clear = [f"DELETE FROM {table}" for table in (*tables, "conformance.changes")]
        else:
            off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in tables]
            # Not all of them: one that was disabled stays so.
            on = [f"ALTER TABLE {table} ENABLE TRIGGER {name}" for table, name in self._enabled]
            clear = [f"TRUNCATE {', '.join((*tables, 'conformance.changes'))}"]
        restore = [
            f"INSERT INTO {table} TABLE conformance.kept_{number}"
            for number, table in enumerate(self._kept)
            if table in tables
        ]
        return ";\n".join([*off, *clear, *restore, *on])

    def _may_replicate(self) -> bool:
        try:
            self._cleaner.connection.execute("SET session_replication_role = replica")
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True

    def _has_rows(self, table: str) -> bool:
        return self.owner.fetch(f"SELECT EXISTS (SELECT FROM {table})") == [(True,)]

    def _execute(self, *statements: str) -> None:
        """Send statements in one message, which is one transaction: an error leaves nothing."""
        self.owner.connection.execute(";\n".join(statements))


def _unquoted(table: str) -> str:
    """Return the name of a table as the change log has it."""
    return table.removeprefix("public.").replace('"', "")


def _copy(table: str, columns: str, name: str) -> str:
    """Return what fills a table with the rows of a copy."""
    return (
        f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {columns} FROM conformance.{name}"
    )
