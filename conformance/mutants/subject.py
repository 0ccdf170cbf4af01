"""What parts are tried on: a clone with its lab, and the failure of a part there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import psycopg
from hypothesis.errors import Flaky, HypothesisException

from conformance.lab import Lab
from conformance.outcomes import Inconclusive
from conformance.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from conformance.mutants.stages import Part
    from conformance.postgres.scratch import Database, Scratch, Template

# A mutant may loop for ever, or wait for itself. What is tried takes milliseconds.
TIMEOUTS = "SET statement_timeout = '5s'; SET lock_timeout = '2s'"
# What a test of the suite would fail with, beside a finding: of a schema that is no longer whole.
ERRORS = (AssertionError, psycopg.Error, HypothesisException, LookupError, ValueError, TypeError)
# Lock not available, query canceled: the mutant is stuck, or the machine was busy.
TIMED_OUT = ("55P03", "57014")
# Sessions that the server ended, in the classes of errors that say so.
LOST = ("08", "57P")
# How a finding tells what timed out: `Inconclusive` in words, up to its message.
TOLD = tuple(str(Inconclusive(sqlstate)).partition(":")[0] for sqlstate in TIMED_OUT)


class Failure(NamedTuple):
    """What a part failed with, and whether time may be to blame: that is asked again."""

    rule: str
    verdict: str
    is_late: bool = False


class Subject:
    """A clone of a template, changed by statements, and a lab on it that is opened when needed."""

    def __init__(
        self, scratch: Scratch, template: Template, label: str, sql: Sequence[str] = ()
    ) -> None:
        """Make the clone."""
        self._scratch, self._template, self._label, self._sql = scratch, template, label, sql
        self._lab: Lab | None = None
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
        """Close the lab, and drop the clone."""
        if self._lab is not None:
            self._lab.__exit__(kind, error, trace)
            self._lab = None
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
            if self._lab is None:
                self._lab = Lab(self._database.conninfo)
                self._lab.session.connection.execute(TIMEOUTS)
            part.run(self._lab)
        except Finding as finding:
            is_late = any(each in finding.observed for each in TOLD)
            return Failure(finding.rule, str(finding.verdict), is_late)
        except ERRORS as error:
            return Failure("", _words(error), _is_late(error))
        return None

    def _made(self) -> Database:
        database = self._scratch.clone(self._template, self._label)
        try:
            with database.connect() as connection:
                for sql in self._sql:
                    connection.execute(sql)
        except BaseException:
            self._scratch.drop(database)
            raise
        return database


def _is_late(error: Exception) -> bool:
    """Whether an error is a timeout, a lost session, or what happened once and not again."""
    if isinstance(error, psycopg.Error):
        if error.sqlstate is None:
            return isinstance(error, psycopg.OperationalError)
        return error.sqlstate in TIMED_OUT or error.sqlstate.startswith(LOST)
    return isinstance(error, Flaky)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
