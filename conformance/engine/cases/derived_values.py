"""Legal transactions in which the schema itself writes what one of its constraints then refuses.

A trigger that sets a column wrong makes a legal row illegal. The constraint that refuses it is
right, and so no rule of its name is overblocked.
"""

from __future__ import annotations

import re
from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.cases.refusals import rule_named
from conformance.engine.cases.retrying import disabling, dropping, retry, triggers
from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.kinds.rule import Holds
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.sql.writes import Statement

NO_PARENT = "23503"  # SQLSTATE
MOST_DROPPED = 4  # constraints: what one does not refuse, the next one may
CALL = re.compile(r"SELECT (?:public\.)?(\w+)\([^()]*\)$")
WORD = re.compile(r"\w+")


class Maker(NamedTuple):
    """Rules by which the schema derived what broke another one.

    Attributes:
        rules: their ids; of several, any may be it. () where none is known to derive such values.
        is_broken: whether the violation query of the first says so.
    """

    rules: tuple[str, ...]
    is_broken: bool

    @property
    def name(self) -> str:
        """Their ids in words; of none, the schema itself."""
        return " or ".join(self.rules) or "what the schema itself writes"


def maker(sandbox: Sandbox, outcome: Outcome, body: Sequence[Statement]) -> Maker | None:
    """Return by which rule a legal transaction was made to break the one that refused it, or None.

    It is done again without the constraints that refuse it, and taken back. If no violation query
    tells, it is the rule without whose triggers nothing would have been refused.

    Args:
        sandbox: as it was before the transaction.
        outcome: what became of it.
        body: its statements.
    """
    if not isinstance(outcome, Rejected) or not is_possible(outcome):
        return None
    rule = rule_named(outcome)
    broken = _broken_without(sandbox, rule, outcome, body)
    if not broken:
        return None
    deriving = _deriving(rule, outcome.table)
    for each in deriving:
        if each in broken:
            return Maker((each,), is_broken=True)
    makers = (
        each
        for each in deriving
        if (disabled := _disabling(sandbox, each))
        and not _broken_without(sandbox, rule, outcome, body, disabled)
    )
    return Maker(tuple(makers), is_broken=False)


def called(outcome: Outcome, body: Sequence[Statement]) -> Maker | None:
    """Return the rules whose functions a legal transaction calls and does nothing else, or None.

    What refuses them has refused what the function wrote.
    """
    calls = [CALL.match(each.sql) for each in body if not each.sql.startswith("SET ")]
    if not rule_named(outcome) or not calls or not all(calls):
        return None
    functions = {f"function {each[1]}" for each in calls if each}
    makers = (each.id for each in RULES.values() if functions.intersection(each.enforced_by))
    rules = tuple(makers)
    return Maker(rules, is_broken=False) if rules and rule_named(outcome) not in rules else None


def is_possible(outcome: Outcome) -> bool:
    """Return whether a rule refused what another one derives: the cheap part of the question."""
    rule = rule_named(outcome)
    return isinstance(outcome, Rejected) and bool(rule and _deriving(rule, outcome.table))


def _broken_without(
    sandbox: Sandbox,
    rule: str,
    refused: Rejected,
    body: Sequence[Statement],
    disabled: Sequence[Statement] = (),
) -> frozenset[str]:
    """Return what is broken by the first statement that breaks a rule, if no constraint refuses.

    A parent may come after its child: a key is broken by the whole transaction, or where the parent
    is taken away.
    """
    judged = body
    if refused.sqlstate == NO_PARENT:
        judged = [*(each for each in body if "DELETE" in each.sql), *body[-1:]]
    changes = [*disabled]
    outcome: Outcome = refused
    while (
        isinstance(outcome, Rejected)
        and outcome.constraint
        and len(changes) < MOST_DROPPED + len(disabled)
    ):
        changes.append(dropping(outcome))
        with closing(retry(sandbox, changes, body)) as steps:
            for each, outcome in steps:
                is_judged = isinstance(outcome, Accepted) and each in judged
                if is_judged and rule in (broken := frozenset(sandbox.violations())):
                    return broken
    return frozenset()


def _disabling(sandbox: Sandbox, rule: str) -> list[Statement]:
    """Return what disables the triggers by which a rule derives, of those that the schema has."""
    enforcing = RULES[rule].enforced_by
    return [disabling(each) for each in triggers(sandbox) if str(each) in enforcing]


@cache
def _deriving(rule: str, table: str) -> tuple[str, ...]:
    """Return the rules that say what is derived in a table's columns of which a rule speaks."""
    some = frozenset(COLUMNS.get(table, ())).intersection(_words(rule)) - {"id"}
    derived = [each for each in RULES.values() if each.holds is Holds.DERIVED and each.id != rule]
    return tuple(each.id for each in derived if table in each.tables and some & _words(each.id))


def _words(rule: str) -> frozenset[str]:
    return frozenset(WORD.findall(RULES[rule].violations))
