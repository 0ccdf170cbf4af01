"""Check of a refusal: it names the rule, type, key, column or privilege that refuses."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.sql.outcomes import Inconclusive

if TYPE_CHECKING:
    from conformance.engine.sql.outcomes import Rejected
    from conformance.engine.sql.writes import Statement

DATA, INTEGRITY = "22", "23"
GENERATED, PRIVILEGE = "428C9", "42501"
# What PostgreSQL itself says of a statement, and of which: two rows proposed with one key, a
# TRUNCATE that leaves referring rows or meets checks that wait, two writes to one row at once, a
# COPY into a generated column.
OF_STATEMENTS = {
    "21000": ("ON CONFLICT", "MERGE"),
    "0A000": ("TRUNCATE",),
    "55006": ("TRUNCATE",),
    "27000": ("WITH",),
    "42P10": ("COPY",),
}


def fault_of(refused: Rejected | Inconclusive, statement: Statement) -> str:
    """Return what a refusal of a statement should have been; '' when it is as it should be."""
    if isinstance(refused, Inconclusive):
        return "an answer: nobody else writes"
    if is_like_a_token(refused.token):
        name = domain().name
        known = refused.token in tokens_of(name) or refused.constraint in names_of(name)
        return "" if known else "the name of a rule of the catalogue"
    if refused.sqlstate.startswith(DATA) or refused.sqlstate in (GENERATED, PRIVILEGE):
        return ""
    if refused.sqlstate.startswith(INTEGRITY):
        return "" if refused.constraint or refused.column else "the name of a constraint or column"
    if any(word in statement.sql for word in OF_STATEMENTS.get(refused.sqlstate, ())):
        return ""
    return "a refusal that names a rule, or is of a type, key, column or privilege"


def is_like_a_token(token: str) -> bool:
    """Return whether a token is a rule's, or begins as the tokens of rules do."""
    return token.partition("_")[0] in _areas(domain().name)


@cache
def _areas(name: str) -> frozenset[str]:
    """Return the words with which tokens of rules begin; '' is none of them."""
    return frozenset(token.partition("_")[0] for token in tokens_of(name))


@cache
def tokens_of(_domain: str) -> frozenset[str]:
    """Return the tokens by which names of whatever enforces the rules of a domain begin."""
    return frozenset(token for rule in RULES.values() for token in rule.tokens)


@cache
def names_of(_domain: str) -> frozenset[str]:
    """Return what rejections name, of all that enforces the rules of a domain."""
    return frozenset(
        name for rule in RULES.values() for name in rule.enforced_by if " " not in name
    )
