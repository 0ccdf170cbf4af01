"""Operations that a schema could not take, and the rules that this leaves unproven."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.engine.cases.gaps import Gaps, about_writes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.operations.operation import Step


@dataclass(slots=True)
class LeftOut:
    """Steps of one test that could not be tried, by operation and reason.

    An operation that was never done, whatever its arguments, leaves unproven every rule that speaks
    of what it writes. One that was done with other arguments leaves unproven what these lack.
    """

    _steps: dict[str, dict[str, tuple[Step, Sequence[str]]]] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def skip(self, step: Step, reason: str, rules: Sequence[str]) -> None:
        """Note a step that was left out, why, and the rules that speak of what it needs."""
        self._steps.setdefault(step.operation.name, {}).setdefault(reason, (step, rules))

    def keep(self, name: str) -> None:
        """Note that an operation was done."""
        self._done.add(name)

    def note(self, gaps: Gaps) -> None:
        """Add to the gaps of a test, at its end, what was left out."""
        for name, reasons in self._steps.items():
            for reason, (step, rules) in reasons.items():
                if name in self._done:
                    gaps.note(f"{step} cannot be done: {reason}", rules)
                else:
                    gaps.note(
                        f"{name!r} cannot be done: {reason}", (*rules, *about_writes(step.writes))
                    )
