"""Outcomes of a transaction: accepted, rejected by a name, or inconclusive. Never two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

# Serialization failure, deadlock, lock not available, query canceled: the server could not say.
INCONCLUSIVE = frozenset({"40001", "40P01", "55P03", "57014"})
# Those of them that a session comes to which waits until a timeout ends it.
TIMED_OUT = frozenset({"55P03", "57014"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The transaction committed."""

    def __str__(self) -> str:
        """Return it in a word."""
        return "accepted"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server refused the transaction.

    `constraint`, `table` and `column` are what the error's diagnostics name, or ''. `at` is the
    text of the statement that was refused, 'COMMIT' among them. `context` is where the server was,
    the functions that raised the error first.
    """

    sqlstate: str
    constraint: str = ""
    table: str = ""
    column: str = ""
    datatype: str = ""
    message: str = ""
    at: str = ""
    context: str = field(default="", compare=False, repr=False)

    @property
    def token(self) -> str:
        """Return the rule's token that the constraint's name begins with, or ''."""
        head, separator, _ = self.constraint.partition("__")
        return head + separator if separator else ""

    def __str__(self) -> str:
        """Return who refused, as the diagnostics have it."""
        where = ".".join(part for part in (self.table, self.column) if part)
        name = self.constraint or (f"no constraint, {where}" if where else "no constraint")
        return f"rejected by {name} ({self.sqlstate}: {self.message})"


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """The server gave up for reasons of timing, which say nothing of the rules."""

    sqlstate: str
    message: str = ""

    @property
    def timed_out(self) -> bool:
        """Return whether it waited until a timeout ended it."""
        return self.sqlstate in TIMED_OUT

    def __str__(self) -> str:
        """Return the reason."""
        return f"inconclusive ({self.sqlstate}: {self.message})"


Outcome: TypeAlias = Accepted | Rejected | Inconclusive
