"""Faults that a soak may find: answers that no client should get, states that no rule allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from conformance.engine.sql.outcomes import Rejected

TOKENS = frozenset(token for rule in RULES.values() for token in rule.tokens)
NOT_A_VALUE = "22P02"  # how a type refuses what would break its rule
INTEGRITY = "23"
SHOWN = 5  # faults, of each kind and subject, that are told in full


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that should not be.

    Attributes:
        kind: `rule broken`, `unnamed refusal`, `deadlock`, `commit lost` …
        subject: what it is about: a rule, an operation, a table.
        told: all that is known of it, in lines.
    """

    kind: str
    subject: str
    told: str

    def __str__(self) -> str:
        """Return it for a person."""
        indented = "".join(f"    {line}\n" for line in self.told.splitlines())
        return f"{self.kind}: {self.subject}\n{indented}"


@dataclass(slots=True)
class Faults:
    """All faults of a run, from all clients; of many that are alike only some are kept whole.

    `noted` is what is worth a look, and no fault.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: list[Fault] = field(default_factory=list)
    noted: list[Fault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault) -> None:
        """Add one."""
        with self._lock:
            self.counts[fault.kind, fault.subject] += 1
            if self.counts[fault.kind, fault.subject] <= SHOWN:
                self.kept.append(fault)

    def note(self, fault: Fault) -> None:
        """Add what is no fault."""
        with self._lock:
            self.noted.append(fault)


def is_named(refused: Rejected) -> bool:
    """Return whether a rejection names a rule, or what a table asks beside the rules.

    A rule that a type enforces has no name to give; a form or key that is no rule has the name that
    PostgreSQL gave it, and a column that must not be null its own.
    """
    if refused.token:
        return refused.token in TOKENS
    if refused.sqlstate.startswith(INTEGRITY):
        return bool(refused.constraint or refused.column)
    return refused.sqlstate == NOT_A_VALUE
