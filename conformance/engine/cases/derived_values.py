"""Legal transactions in which the schema itself writes what one of its constraints then refuses.

A trigger that sets a column wrong makes a legal row illegal. The constraint that refuses it is
right, and so no rule of its name is overblocked.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.cases.refusals import rule_named
from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.kinds.rule import Holds
from conformance.engine.sql.names import quoted
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.sandbox import Sandbox

NO_PARENT = "23503"  # SQLSTATE
MOST_DROPPED = 4  # constraints: what one does not refuse, the next one may
WORD = re.compile(r"\w+")


class Maker(NamedTuple):
    """Rule by which the schema derived what broke another one.

    Attributes:
        name: its id.
        is_broken: whether its own violation query says so.
    """

    name: str
    is_broken: bool


def maker(sandbox: Sandbox, outcome: Outcome, body: Sequence[Statement]) -> Maker | None:
    """Return by which rule a legal transaction was made to break the one that refused it, or None.

    It is done again without the constraints that refuse it, and taken back.

    Args:
        sandbox: as it was before the transaction.
        outcome: what became of it.
        body: its statements.
    """
    if not isinstance(outcome, Rejected) or not is_possible(outcome):
        return None
    rule = rule_named(outcome)
    broken = _broken_without(sandbox, rule, outcome, body)
    deriving = _deriving(rule, outcome.table)
    name = next((each for each in deriving if each in broken), deriving[0])
    return Maker(name, name in broken) if broken else None


def is_possible(outcome: Outcome) -> bool:
    """Return whether a rule refused what another one derives: the cheap part of the question."""
    rule = rule_named(outcome)
    return isinstance(outcome, Rejected) and bool(rule and _deriving(rule, outcome.table))


def _broken_without(
    sandbox: Sandbox, rule: str, refused: Rejected, body: Sequence[Statement]
) -> frozenset[str]:
    """Return what is broken by the first statement that breaks a rule, if no constraint refuses.

    A parent may come after its child: a key is broken by the whole transaction alone.
    """
    judged = body[-1:] if refused.sqlstate == NO_PARENT else body
    dropped: list[Statement] = []
    outcome: Outcome = refused
    while isinstance(outcome, Rejected) and outcome.constraint and len(dropped) < MOST_DROPPED:
        table, name = quoted(outcome.table), quoted(outcome.constraint)
        dropped.append(Statement(f"ALTER TABLE public.{table} DROP CONSTRAINT {name}"))
        try:
            for each in (Statement("BEGIN"), *dropped, *body):
                outcome = sandbox.owner.send(each)
                if not isinstance(outcome, Accepted):
                    break
                if each in judged and rule in (broken := frozenset(sandbox.violations())):
                    return broken
        finally:
            sandbox.owner.send(Statement("ROLLBACK"))
            sandbox.lose_track()
    return frozenset()


@cache
def _deriving(rule: str, table: str) -> tuple[str, ...]:
    """Return the rules that say what is derived in a table's columns of which a rule speaks."""
    some = frozenset(COLUMNS.get(table, ())).intersection(_words(rule)) - {"id"}
    derived = [each for each in RULES.values() if each.holds is Holds.DERIVED and each.id != rule]
    return tuple(each.id for each in derived if table in each.tables and some & _words(each.id))


def _words(rule: str) -> frozenset[str]:
    return frozenset(WORD.findall(RULES[rule].violations))
