"""Names in which a transaction may be refused: of rules, and of what tables ask beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.catalogue.misfits import NOT_A_VALUE
from conformance.engine.domain.chosen import RULES
from conformance.engine.privileges.missing import PRIVILEGE
from conformance.engine.sql.outcomes import Rejected

if TYPE_CHECKING:
    from conformance.engine.sql.outcomes import Outcome

UNIQUE, CHECK, REFERENCE = "23505", "23514", "23503"
RIGHT = "RIGHT"  # in the place of a rule, where our role has no right to do it
PLAIN = {"KEY": UNIQUE, "CHECK": CHECK, "REFERENCE": REFERENCE}


def is_refused_by(outcome: Outcome, rule: str) -> bool:
    """Return whether an outcome is a rejection in the name of a rule, or of one it stands for."""
    return isinstance(outcome, Rejected) and outcome.token in RULES[rule].tokens


def names(outcome: Rejected, rule: str) -> bool:
    """Return whether a rejection names a rule, or what a table asks beside the rules."""
    kind, _, table = rule.partition(" ")
    if table:
        return (outcome.sqlstate, outcome.table, outcome.token) == (PLAIN[kind], table, "")
    if rule == RIGHT:
        return outcome.sqlstate == PRIVILEGE
    known = RULES[rule]
    if outcome.constraint:
        return outcome.token in known.tokens
    return bool(known.types) and outcome.sqlstate == NOT_A_VALUE
