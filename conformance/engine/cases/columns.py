"""Trying what columns hold beside the rules: defaults, nulls, lengths, keys, parents."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.engine.cases.attempt import Attempt
from conformance.engine.cases.refusals import culprit, rule_named, says_nothing
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.catalogue.misfits import another_object
from conformance.engine.database.session import in_order, told
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.arbiters import NotExpressibleError
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Path

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import ColumnCase, Transaction
    from conformance.engine.database.sandbox import Sandbox


def hold(sandbox: Sandbox, case: ColumnCase) -> None:
    """Try one fact of a column on the emptied database, as the owner: rights are proven elsewhere.

    Raises:
        Finding: The table does not do what the domain says of it. Its rule is the fact's name.
    """
    sandbox.reset()
    column = _Column(sandbox, case)
    # Where a schema has no index for it, an ON CONFLICT is no fact of its columns.
    with suppress(NotExpressibleError):
        for transaction in filter(None, case.accepted):
            column.expect_accepted(transaction)
        column.expect_facts()
        refused = [each for each in (case.refused, *case.more) if each]
        for transaction in refused:
            column.expect_refused(transaction)
        for transaction in refused:
            for other in sandbox.labels.stand_ins(transaction):
                column.expect_refused(other)


class _Column:
    """One fact of a column, tried."""

    def __init__(self, sandbox: Sandbox, case: ColumnCase) -> None:
        self._sandbox = sandbox
        self._case = case
        self._now = Attempt(sandbox, None)

    def expect_accepted(self, transaction: Transaction) -> None:
        outcome = self._now.carry_out(transaction, Path.UPDATE, as_owner=True)
        if isinstance(outcome, Accepted) or rule_named(outcome) in self._case.meanwhile:
            return
        other = self._refuser(outcome) or self._hindrance(outcome) or another_object(outcome)
        observed = f"because of {other}: {outcome}" if other else str(outcome)
        verdict = Verdict.UNPROVEN if other or says_nothing(outcome) else Verdict.OVERBLOCKED
        raise self._finding(verdict, "accepted: it is legal", observed, culprit(outcome))

    def expect_facts(self) -> None:
        for fact in self._case.facts:
            observed = self._sandbox.owner.ask(fact.query)
            if observed == [(fact.expected,)]:
                continue
            self._now.script.append(f"{fact.query};\n")
            expected = f"{fact.query} is {fact.expected!r}"
            if isinstance(observed, list):
                raise self._finding(Verdict.BROKEN, expected, told(observed), "a fact")
            raise self._finding(Verdict.UNPROVEN, expected, str(observed), culprit(observed))

    def expect_refused(self, transaction: Transaction) -> None:
        case = self._case
        outcome = self._now.transact(in_order(transaction, Path.UPDATE), as_owner=True)
        refused = self._is_refused(outcome)
        about = [rule.id for rule in RULES.values() if rule.token == case.token]
        other = self._hindrance(outcome)
        if not refused and not other:
            other = self._sandbox.another_object(outcome, about)
        if other or says_nothing(outcome):
            because = f"because of {other}: {outcome}" if other else str(outcome)
            raise self._finding(Verdict.UNPROVEN, "refused", because, other or culprit(outcome))
        if not refused:
            verdict = Verdict.BROKEN if isinstance(outcome, Accepted) else Verdict.UNNAMED
            by = " of ".join(filter(None, (*case.by, case.token)))
            raise self._finding(verdict, f"refused with {by}", str(outcome), culprit(outcome))

    def _is_refused(self, outcome: Outcome) -> bool:
        if not isinstance(outcome, Rejected):
            return False
        case = self._case
        if outcome.sqlstate in case.alike:
            return not rule_named(outcome)
        sqlstate, column = case.by
        return (outcome.sqlstate, outcome.token) == (sqlstate, case.token) and (
            not column or (outcome.table, outcome.column) == (case.tables[0], column)
        )

    def _hindrance(self, outcome: Outcome) -> str:
        """Return what could not take what it was given, unless the fact is about it."""
        return self._now.hindrance(outcome, frozenset(self._case.name.split()))

    def _refuser(self, outcome: Outcome) -> str:
        """Return the rule that refused, where the fact is not about it."""
        rule = rule_named(outcome)
        return rule if rule and RULES[rule].token != self._case.token else ""

    def _finding(self, verdict: Verdict, expected: str, observed: str, cause: str) -> Finding:
        return Finding(
            self._case.name,
            verdict,
            expected=expected,
            observed=observed,
            script="".join(self._now.script),
            cause=cause,
        )
