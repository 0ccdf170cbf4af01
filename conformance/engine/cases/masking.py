"""Violations that somebody else's object refuses before the rule on trial is asked.

Such an object proves nothing of the rule, and the rule is not to blame for it. It may also be what
enforces the rule, under a name that does not say so: the server tells, if it is asked without it.
"""

from __future__ import annotations

import re
from contextlib import closing
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from conformance.engine.cases.refusals import is_denied, names, rule_named
from conformance.engine.cases.retrying import AT_ONCE, disabling, dropping, retry, triggers
from conformance.engine.catalogue.misfits import another_object
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.machines.refusals import tokens_of
from conformance.engine.sql.names import quoted
from conformance.engine.sql.outcomes import Outcome, Rejected
from conformance.engine.sql.writes import Statement, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.cases.retrying import Trigger
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.kinds.rule import Rule

DECLARED = "23"  # the class of what constraints refuse
# A unique index that belongs to no constraint.
INDEXED = """
SELECT FROM pg_class AS c WHERE c.relnamespace = to_regnamespace('public') AND c.relname = {}
    AND c.relkind IN ('i', 'I') AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)
"""
MOST = 4  # objects: each costs a transaction
RAISING = re.compile(r"function (?:\w+\.)?(\w+)\(")


def masked_by(sandbox: Sandbox, rule: Rule, outcome: Outcome, body: Sequence[Statement]) -> str:
    """Return the object of somebody else without which a rule refuses a transaction itself, or ''.

    Args:
        sandbox: as it was before the transaction.
        rule: the one that the transaction breaks.
        outcome: what became of it.
        body: its statements.
    """
    changes: list[Statement] = []
    by = ""
    while isinstance(outcome, Rejected) and len(changes) < MOST and not names(rule, outcome):
        others = [*_without(sandbox, outcome)]
        if not others or rule_named(outcome) or is_denied(outcome):
            return ""
        by = by or next(name for name, _ in others)
        changes += (change for _, change in others)
        with closing(retry(sandbox, changes, [*body, AT_ONCE])) as steps:
            outcome = [came for _, came in steps][-1]
    return by if names(rule, outcome) else ""


def _without(sandbox: Sandbox, refused: Rejected) -> Iterator[tuple[str, Statement]]:
    """Yield the names of what has refused, if it is somebody else's, and what takes it away."""
    name = another_object(refused)
    if refused.sqlstate.startswith(DECLARED) and refused.table and name:
        is_index = sandbox.owner.fetch(INDEXED.format(literal(name)))
        yield (
            name,
            Statement(f"DROP INDEX public.{quoted(name)}") if is_index else dropping(refused),
        )
        return
    functions = RAISING.findall(refused.context)
    enforcing = {name for rule in RULES.values() for name in rule.enforced_by}
    for each in triggers(sandbox):
        if each.function in functions and str(each) not in enforcing and not _is_known(each):
            yield str(each), disabling(each)


def _is_known(trigger: Trigger) -> bool:
    """Return whether a trigger is named after a rule, or the domain has it beside its rules."""
    is_named = any(token in trigger.name for token in tokens_of(domain().name))
    return is_named or any(fnmatchcase(str(trigger), each) for each in domain().beside)
