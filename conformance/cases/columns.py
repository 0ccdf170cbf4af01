"""Trying what columns hold beside the rules: defaults, nulls, lengths, keys, parents."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from conformance.cases.attempt import Attempt
from conformance.cases.refusals import NULL, culprit, rule_named, says_nothing
from conformance.cases.verdicts import Finding, Verdict
from conformance.database.session import in_order
from conformance.framecast.rules import RULES
from conformance.sql.arbiters import NotExpressibleError
from conformance.sql.outcomes import Accepted, Outcome, Rejected
from conformance.sql.writes import Path
from strategies.tables import COLUMNS

if TYPE_CHECKING:
    from conformance.cases.scenario import Transaction
    from conformance.database.sandbox import Sandbox
    from strategies.forms import Form


def hold(sandbox: Sandbox, form: Form) -> None:
    """Try one fact of a column on the emptied database, as the owner: rights are proven elsewhere.

    Raises:
        Finding: The table does not do what the domain says of it. Its rule is the fact's name.
    """
    sandbox.reset()
    column = _Column(sandbox, form)
    # Where a schema has no index for it, an ON CONFLICT is no fact of its columns.
    with suppress(NotExpressibleError):
        for transaction in filter(None, form.accepted):
            column.expect_accepted(transaction)
        column.expect_facts()
        refused = [each for each in (form.refused, *form.more) if each]
        for transaction in refused:
            column.expect_refused(transaction)
        for transaction in refused:
            for other in sandbox.labels.stand_ins(transaction):
                column.expect_refused(other)


class _Column:
    """One fact of a column, tried."""

    def __init__(self, sandbox: Sandbox, form: Form) -> None:
        self._sandbox = sandbox
        self._form = form
        self._now = Attempt(sandbox, None)

    def expect_accepted(self, transaction: Transaction) -> None:
        outcome = self._now.carry_out(transaction, Path.UPDATE, as_owner=True)
        if isinstance(outcome, Accepted) or rule_named(outcome) in self._form.meanwhile:
            return
        other = self._refuser(outcome)
        observed = f"because of {other}: {outcome}" if other else str(outcome)
        verdict = Verdict.UNPROVEN if other or says_nothing(outcome) else Verdict.OVERBLOCKED
        raise self._finding(verdict, "accepted: it is legal", observed, culprit(outcome))

    def expect_facts(self) -> None:
        for fact in self._form.facts:
            observed = self._sandbox.owner.ask(fact.query)
            if observed == [(fact.expected,)]:
                continue
            self._now.script.append(f"{fact.query};\n")
            expected = f"{fact.query} is {fact.expected!r}"
            if isinstance(observed, list):
                raise self._finding(Verdict.BROKEN, expected, repr(observed), "a fact")
            raise self._finding(Verdict.UNPROVEN, expected, str(observed), culprit(observed))

    def expect_refused(self, transaction: Transaction) -> None:
        form = self._form
        outcome = self._now.transact(in_order(transaction, Path.UPDATE), as_owner=True)
        if says_nothing(outcome):
            raise self._finding(Verdict.UNPROVEN, "refused", str(outcome), culprit(outcome))
        if not self._is_refused(outcome):
            verdict = Verdict.BROKEN if isinstance(outcome, Accepted) else Verdict.UNNAMED
            by = " of ".join(filter(None, (*form.by, form.token)))
            raise self._finding(verdict, f"refused with {by}", str(outcome), culprit(outcome))

    def _is_refused(self, outcome: Outcome) -> bool:
        if not isinstance(outcome, Rejected):
            return False
        form = self._form
        if outcome.sqlstate in form.alike:
            return not rule_named(outcome)
        sqlstate, column = form.by
        return (outcome.sqlstate, outcome.token) == (sqlstate, form.token) and (
            not column or (outcome.table, outcome.column) == (form.tables[0], column)
        )

    def _refuser(self, outcome: Outcome) -> str:
        """Return what refused that the fact is not about: a rule, or a column beside the domain."""
        rule = rule_named(outcome)
        if rule and RULES[rule].token != self._form.token:
            return rule
        if isinstance(outcome, Rejected) and outcome.sqlstate == NULL:
            known = COLUMNS.get(outcome.table, ())
            return "" if outcome.column in known else f"{outcome.table}.{outcome.column}"
        return ""

    def _finding(self, verdict: Verdict, expected: str, observed: str, cause: str) -> Finding:
        return Finding(
            self._form.name,
            verdict,
            expected=expected,
            observed=observed,
            script="".join(self._now.script),
            cause=cause,
        )
