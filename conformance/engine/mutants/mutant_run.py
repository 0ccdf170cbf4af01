"""Trying one mutant in a clone of the template, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from conformance.engine.mutants.errors import BaselineError
from conformance.engine.mutants.parts import Part
from conformance.engine.mutants.subject import Subjects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.parts import Phase
    from conformance.engine.mutants.subject import Failure
    from conformance.engine.postgres.scratch import Scratch, Template

# A mutant on which a part is stuck each time it is tried.
TIMEOUT = "timeout"


def _open(_sandbox: object) -> None:
    """Do nothing: a sandbox has been opened, and what the suite asks of every schema is there."""


SETUP = Part("the suite's own", _open)


@dataclass(frozen=True, slots=True)
class Kill:
    """Killer of a mutant: the phase, the part of it, and the rule and verdict that it gave."""

    phase: str
    part: str
    rule: str
    verdict: str


@dataclass(frozen=True, slots=True)
class MutantRun:
    """Result for a mutant: its killer, if there is one, and the seconds that it took."""

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
        self._control: Subjects | None = None
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
        """Drop the clone to compare with."""
        if self._control is not None:
            self._control.__exit__(kind, error, trace)

    def attempt(self, mutant: Mutant, phases: Sequence[Phase]) -> MutantRun:
        """Try a mutant until something notices it.

        Raises:
            BaselineError: What noticed it also fails on the schema as it is.
        """
        began = time.perf_counter()
        tried = 0
        with Subjects(self._scratch, self._template, "mutant", mutant.sql) as subjects:
            for phase, part in _parts(mutant, phases):
                tried += part is not SETUP
                failure = subjects.fails(part)
                if failure is not None:
                    seconds = time.perf_counter() - began
                    self.check(part)
                    kill = Kill(phase, part.name, failure.rule, _verdict(failure))
                    return MutantRun(mutant.id, kill, seconds, tried)
        return MutantRun(mutant.id, None, time.perf_counter() - began, tried)

    def check(self, part: Part) -> None:
        """Try a part on the schema as it is, once; again if it was late.

        Raises:
            BaselineError: It fails there.
        """
        if part.name in self._green:
            return
        if self._control is None:
            self._control = Subjects(self._scratch, self._template, "control")
        failure = self._control.fails(part)
        if failure is not None:
            verdict = _verdict(failure)
            message = f"the schema itself fails {part.name}: {failure.rule} is {verdict}"
            raise BaselineError(message)
        self._green.add(part.name)


def _parts(mutant: Mutant, phases: Sequence[Phase]) -> Iterator[tuple[str, Part]]:
    """Return all parts with the names of their phases, after the opening of a sandbox."""
    yield "setup", SETUP
    for phase in phases:
        for part in phase.parts(mutant):
            yield phase.name, part


def _verdict(failure: Failure) -> str:
    return TIMEOUT if failure.is_late else failure.verdict
