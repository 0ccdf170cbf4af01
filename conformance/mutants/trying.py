"""Trying one mutant in a clone of the template, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psycopg
from hypothesis.errors import HypothesisException

from conformance.lab import Lab
from conformance.mutants.errors import BaselineError
from conformance.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from conformance.mutants.mutant import Mutant
    from conformance.mutants.stages import Part, Stage
    from conformance.postgres.scratch import Scratch, Template

# A mutant may loop for ever, or wait for itself. What is tried takes milliseconds.
TIMEOUTS = "SET statement_timeout = '5s'; SET lock_timeout = '2s'"
# What a test of the suite would fail with, beside a finding: of a schema that is no longer whole.
ERRORS = (AssertionError, psycopg.Error, HypothesisException, LookupError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Kill:
    """What noticed a mutant: the stage, the part of it, and the rule and verdict that it gave."""

    stage: str
    part: str
    rule: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a mutant: who killed it, if anything did, and the seconds that it took."""

    id: str
    kill: Kill | None
    seconds: float
    tried: int


class Bench:
    """A worker's place: clones for mutants, and one of the schema as it is, to compare with."""

    def __init__(self, scratch: Scratch, template: Template) -> None:
        """Use a worker's scratch databases."""
        self._scratch = scratch
        self._template = template
        self._control: Lab | None = None
        self._green: set[str] = set()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the clone to compare with."""
        if self._control is not None:
            self._control.__exit__(kind, error, trace)

    def attempt(self, mutant: Mutant, stages: Sequence[Stage]) -> Trial:
        """Try a mutant until something notices it.

        Raises:
            BaselineError: What noticed it also fails on the schema as it is.
        """
        began = time.perf_counter()
        tried = 0
        database = self._scratch.clone(self._template, "mutant")
        try:
            with database.connect() as connection:
                for sql in mutant.sql:
                    connection.execute(sql)
            try:
                lab = Lab(database.conninfo)
            except ERRORS as error:
                kill = Kill("setup", "the suite's own", "", _error(error))
                return Trial(mutant.id, kill, time.perf_counter() - began, tried)
            with lab:
                lab.session.connection.execute(TIMEOUTS)
                for stage in stages:
                    for part in stage.parts(mutant):
                        tried += 1
                        found = _fails(part, lab)
                        if found is not None:
                            seconds = time.perf_counter() - began
                            self.check(part)
                            kill = Kill(stage.name, part.name, *found)
                            return Trial(mutant.id, kill, seconds, tried)
            return Trial(mutant.id, None, time.perf_counter() - began, tried)
        finally:
            self._scratch.drop(database)

    def check(self, part: Part) -> None:
        """Try a part on the schema as it is, once.

        Raises:
            BaselineError: It fails there.
        """
        if part.name in self._green:
            return
        if self._control is None:
            self._control = Lab(self._scratch.clone(self._template, "control").conninfo)
        found = _fails(part, self._control)
        if found is not None:
            rule, verdict = found
            message = f"the schema itself fails {part.name}: {rule} is {verdict}"
            raise BaselineError(message)
        self._green.add(part.name)


def _fails(part: Part, lab: Lab) -> tuple[str, str] | None:
    """Return the rule and the verdict if a part fails."""
    try:
        part.run(lab)
    except Finding as finding:
        return finding.rule, str(finding.verdict)
    except ERRORS as error:
        return "", _error(error)
    return None


def _error(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"
