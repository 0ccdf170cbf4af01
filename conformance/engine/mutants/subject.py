"""Subjects on which parts are tried: clones, and the failure of a part there."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import psycopg
from hypothesis.errors import Flaky

from conformance.engine.cases.verdicts import Finding
from conformance.engine.mutants.applying import apply
from conformance.engine.sql.outcomes import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from conformance.engine.mutants.parts import Opener, Part
    from conformance.engine.postgres.scratch import Database, Scratch, Template

# Lock not available, query canceled: the mutant is stuck, or the machine was busy.
TIMED_OUT = ("55P03", "57014")
# Sessions that the server ended, in the classes of errors that say so.
LOST = ("08", "57P")
# How a finding tells what timed out: `Inconclusive` in words, up to its message.
TOLD = tuple(str(Inconclusive(sqlstate)).partition(":")[0] for sqlstate in TIMED_OUT)


class Failure(NamedTuple):
    """Failure of a part, and whether time may be to blame: then it is tried again."""

    rule: str
    verdict: str
    is_late: bool = False


class Subjects:
    """Clones of a template, changed by statements: one for each opener, made when needed."""

    def __init__(
        self, scratch: Scratch, template: Template, label: str, sql: Sequence[str] = ()
    ) -> None:
        """Make none yet."""
        self._scratch, self._template, self._label, self._sql = scratch, template, label, sql
        self._known: dict[Opener, Subject] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop all clones."""
        self._exits.__exit__(kind, error, trace)

    def fails(self, part: Part) -> Failure | None:
        """Try a part on the clone of its opener, as `Subject` does."""
        if part.opener not in self._known:
            subject = Subject(self._scratch, self._template, self._label, self._sql)
            self._known[part.opener] = self._exits.enter_context(subject)
        return self._known[part.opener].fails(part)


class Subject:
    """A clone of a template, changed by statements, for parts of one opener."""

    def __init__(
        self, scratch: Scratch, template: Template, label: str, sql: Sequence[str]
    ) -> None:
        """Make the clone; it is opened when needed."""
        self._scratch, self._template, self._label, self._sql = scratch, template, label, sql
        self._opened: AbstractContextManager[Any] | None = None
        self._database = self._made()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened, and drop the clone."""
        if self._opened is not None:
            self._opened.__exit__(kind, error, trace)
            self._opened = None
        self._scratch.drop(self._database)

    def fails(self, part: Part) -> Failure | None:
        """Try a part; if it fails for want of time, or of a session, once more on a new clone.

        Only what fails late twice is late.
        """
        failure = self._fails(part)
        if failure is None or not failure.is_late:
            return failure
        self.__exit__(None, None, None)
        self._database = self._made()
        return self._fails(part)

    def _fails(self, part: Part) -> Failure | None:
        try:
            if self._opened is None:
                self._opened = part.opener(self._database.conninfo)
            part.run(self._opened)
        except Finding as finding:
            is_late = any(each in finding.observed for each in TOLD)
            return Failure(finding.rule, str(finding.verdict), is_late)
        except Exception as error:  # noqa: BLE001 - a test fails with any
            return Failure("", _words(error), _is_late(error))
        return None

    def _made(self) -> Database:
        database = self._scratch.clone(self._template, self._label)
        try:
            with database.connect() as connection:
                apply(connection, self._sql)
        except BaseException:
            self._scratch.drop(database)
            raise
        return database


def _is_late(error: Exception) -> bool:
    """Return whether an error is a timeout, a lost session, or what happened once and not again."""
    if isinstance(error, psycopg.Error):
        if error.sqlstate is None:
            return isinstance(error, psycopg.OperationalError)
        return error.sqlstate in TIMED_OUT or error.sqlstate.startswith(LOST)
    return isinstance(error, Flaky)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
