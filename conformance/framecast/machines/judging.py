"""Judgement of a transaction: what became of it, against the rules that it may and must break."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.cases.gaps import MODEL
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.outcomes import Accepted, Inconclusive
from conformance.framecast.machines.named import names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.session import Started
    from conformance.engine.sql.outcomes import Outcome
    from conformance.framecast.model import State
    from conformance.framecast.operations import Step


class Pending(NamedTuple):
    """A transaction that the database works on.

    Attributes:
        before: the state in which it was begun.
        steps: what it does.
        may: the rules that it may break, by the model.
        must: those that must refuse it.
        changed: the tables whose rows it changes.
        doing: the transaction itself.
    """

    before: State
    steps: Sequence[Step]
    may: frozenset[str]
    must: frozenset[str]
    changed: frozenset[str]
    doing: Started

    @property
    def is_foreseen(self) -> bool:
        """True where the model says what becomes of it."""
        return bool(self.must) or not self.may


def expected(may: frozenset[str], must: frozenset[str]) -> str:
    """Return in words what must become of a transaction."""
    if not may:
        return "accepted"
    told = " or ".join(sorted(may))
    return f"rejected by {told}" if must else f"accepted, or rejected by {told}"


def wrong(
    outcome: Outcome, may: frozenset[str], must: frozenset[str]
) -> tuple[str, Verdict] | None:
    """Return the rule that an outcome speaks against, with the verdict; None where it is right."""
    if isinstance(outcome, Inconclusive):
        return _first(may), Verdict.UNPROVEN
    if isinstance(outcome, Accepted):
        return (_first(must), Verdict.BROKEN) if must else None
    if any(names(outcome, rule) for rule in may):
        return None
    if must:
        return _first(must), Verdict.UNNAMED
    # A rule that is not broken has refused it, rightly or not; or nothing that has a name.
    named = next((each.id for each in RULES.values() if outcome.token == each.token), "")
    return named or _first(may), Verdict.OVERBLOCKED if named or not may else Verdict.UNNAMED


def _first(some: frozenset[str]) -> str:
    """Return the first of some names, rules before what a table asks beside them."""
    return min(some, key=lambda name: (name not in RULES, name), default=MODEL)
