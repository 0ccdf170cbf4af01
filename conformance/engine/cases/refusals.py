"""Meaning of a refusal: the rule in whose name it came, if there is one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from conformance.engine.catalogue.misfits import NOT_A_VALUE
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.privileges.missing import PRIVILEGE
from conformance.engine.sql.outcomes import Inconclusive, Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.engine.domain.domain import Domain
    from conformance.engine.kinds.rule import Rule

NULL = "23502"
# A statement that a schema cannot take, whatever its values: something it names is not there, or is
# of another kind; there is no index for its ON CONFLICT. It says nothing of any rule. Who lacks a
# right is of the same class, and is another matter.
SYNTAX_OR_ACCESS = "42"
NOT_SUPPORTED = frozenset({"0A000", "3F000"})


def is_denied(outcome: Outcome) -> bool:
    """Return whether an outcome is the refusal of a session that lacks a right."""
    return isinstance(outcome, Rejected) and outcome.sqlstate == PRIVILEGE


def is_not_taken(outcome: Outcome) -> bool:
    """Return whether a schema cannot take a statement, whatever the values in it."""
    if not isinstance(outcome, Rejected) or outcome.constraint or is_denied(outcome):
        return False
    return outcome.sqlstate.startswith(SYNTAX_OR_ACCESS) or outcome.sqlstate in NOT_SUPPORTED


def says_nothing(outcome: Outcome) -> bool:
    """Return whether an outcome is neither for nor against a rule."""
    return isinstance(outcome, Inconclusive) or is_not_taken(outcome)


def names(rule: Rule | None, outcome: Outcome) -> bool:
    """Return whether an outcome is a refusal in the name of a rule."""
    if rule is None or not isinstance(outcome, Rejected):
        return False
    if outcome.constraint:
        return outcome.token in rule.tokens or _is_own(rule, outcome)
    if rule.types and (outcome.sqlstate == NOT_A_VALUE or outcome.datatype in rule.types):
        return True
    return _is_own(rule, outcome)


def _is_own(rule: Rule, outcome: Rejected) -> bool:
    """Return whether a rule names what refused in full: a constraint, or a column's NOT NULL."""
    if outcome.constraint:
        return rule.is_exactly(outcome.constraint, outcome.table)
    return outcome.sqlstate == NULL and rule.needs(outcome.table, outcome.column)


def rule_named(outcome: Outcome) -> str:
    """Return the id of the rule in whose name a refusal came, or ''."""
    if not isinstance(outcome, Rejected):
        return ""
    by_token = _by_token(domain()).get(outcome.token, "")
    return by_token or next((each.id for each in RULES.values() if _is_own(each, outcome)), "")


def culprit(outcome: Outcome) -> str:
    """Return what refused, the same for every write that it refuses: a rule, or an object."""
    if not isinstance(outcome, Rejected):
        return getattr(outcome, "sqlstate", "")
    where = ".".join(filter(None, (outcome.table, outcome.column)))
    return rule_named(outcome) or outcome.constraint or f"{where or 'no object'} {outcome.sqlstate}"


@cache
def _by_token(_domain: Domain) -> Mapping[str, str]:
    return {rule.token: rule.id for rule in RULES.values()}
