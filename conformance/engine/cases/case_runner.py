"""Trying a scenario on a database: every write really commits, and every answer is judged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.cases.attempt import Attempt, transaction_script
from conformance.engine.cases.findings import (
    Findings,
    because_of_another,
    is_in_anothers_name,
    is_strange,
)
from conformance.engine.cases.refusals import culprit, is_denied, names, rule_named, says_nothing
from conformance.engine.cases.scenario import ViolatesSeveral
from conformance.engine.cases.unknown_columns import variants
from conformance.engine.cases.verdicts import Finding, Tally, Verdict
from conformance.engine.catalogue.inventory import is_foreign
from conformance.engine.catalogue.misfits import another_key
from conformance.engine.database.prepared_plans import Plans
from conformance.engine.database.session import TIMEOUTS, in_order, told
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.arbiters import NotExpressibleError
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import Path, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.cases.scenario import (
        ConcurrentCheck,
        Fact,
        OwnCheck,
        Scenario,
        Transaction,
    )
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.database.session import Session
    from conformance.engine.kinds.rule import Rule

# Lock timeout for statements that must not block.
WAITED = "55P03"
AT_ONCE = "SET lock_timeout = '500ms'"


class _EndError(Exception):
    """Nothing more can be learnt from a scenario."""


class CaseRunner:
    """Scenarios of one rule along one path, on one database."""

    def __init__(self, sandbox: Sandbox, rule: Rule, path: Path) -> None:
        """Count what happens in `tally`, keep what is found in `findings`.

        Where the schema cannot express some of it, `reason` says why. What was tried once more as
        a role is counted by `impersonated`.
        """
        self.reason = ""
        self.impersonated: CaseRunner | None = None
        self.tally = Tally()
        self.findings = Findings(rule.id)
        self._sandbox = sandbox
        self.rule = rule
        self.path = path
        self._plans = Plans()
        self._now = Attempt(sandbox, rule)
        self._is_astray = False  # a legal write was refused: what follows begins from elsewhere
        self._elsewhere = ""  # what refused a violation in another name

    @property
    def met(self) -> Sequence[Finding]:
        """Findings of the scenario that was tried last."""
        return self._now.met

    def run(self, scenario: Scenario) -> None:
        """Try a scenario on the emptied database.

        It goes on after a finding that is not the worst there can be, as far as it makes sense.

        Raises:
            Finding: The schema did not do what the rule asks, and that is what is sought.
        """
        before = replace(self.tally)
        self._carry_through(scenario, before)
        if scenario.plain is not None and any(map(is_strange, self._now.met)):
            varied = self._now.met
            self.tally = replace(before)
            self._carry_through(
                replace(scenario.plain.scenario, settings=scenario.settings), before
            )
            plainly = any(each.verdict is Verdict.UNNAMED for each in self._now.met)
            self._now.met += [each for each in varied if each.verdict is Verdict.BROKEN]
            if not plainly:  # then what else the row held was refused
                self._now.met += map(because_of_another, filter(is_in_anothers_name, varied))
        self.findings.meet(self._now.met)
        if self._sandbox.role is None:
            for variant in variants(self._sandbox.spare, scenario):
                self._vary(variant)

    def _carry_through(self, scenario: Scenario, before: Tally) -> None:
        self._sandbox.reset()
        self._now, self._is_astray = Attempt(self._sandbox, self.rule, scenario.settings), False
        self._elsewhere = ""
        try:
            with self._sandbox.session.under(scenario.settings):
                self._try(scenario)
        except _EndError:
            pass
        except NotExpressibleError as error:
            self.reason = str(error)
        else:
            if not self._now.met:
                self._expect_both_sides(scenario, before)

    def _vary(self, variant: Scenario) -> None:
        """Try a scenario with a column that the domain does not know.

        What refuses such a row may be an object of the schema's own: kept is only what is broken.
        It counts nothing.
        """
        counts, met = replace(self.tally), self._now
        self._sandbox.reset()
        self._now, self._is_astray = Attempt(self._sandbox, self.rule, variant.settings), False
        with (
            self._sandbox.session.under(variant.settings),
            suppress(_EndError, NotExpressibleError),
        ):
            self._try(variant)
        broken = [each for each in self._now.met if each.verdict is Verdict.BROKEN]
        self.tally, self._now = counts, met
        self.findings.meet(broken)

    def _try(self, scenario: Scenario) -> None:
        self._expect_all_labels()
        self._expect_an_violation_query()
        self._prepare(scenario)
        self._plans.forget()
        facts = scenario.facts if scenario.legal else ()  # else nothing changes meanwhile
        for session in dict.fromkeys(map(self._asked, facts)):
            some = (fact.query for fact in facts if self._asked(fact) is session)
            self._plans.make(session, some)
        begun = len(self._now.script)
        for transaction in scenario.legal:
            self._expect_accepted(transaction)
        if not self._is_astray:
            for within in scenario.within:
                self._check_within(within)
            for beside in scenario.beside:
                self._check_beside(beside)
            for fact in scenario.facts:
                self._check(fact, begun)
        for each in scenario.broken:
            mixed = (
                each if isinstance(each, ViolatesSeveral) else ViolatesSeveral(each, frozenset())
            )
            self._expect_rejected(mixed.writes, frozenset(mixed.also))
            for writes in self._sandbox.labels.stand_ins(mixed.writes):
                self._expect_rejected(writes, self._instead(mixed))
        self._expect_no_violation()

    def _expect_both_sides(self, scenario: Scenario, before: Tally) -> None:
        """Expect that a scenario tried what it can, or says why not."""
        accepted, rejected, named, denied, not_permitted = (
            now - then for now, then in zip(self.tally.counts, before.counts, strict=True)
        )
        mixed = [
            each for each in scenario.broken if isinstance(each, ViolatesSeveral) and each.also
        ]
        missing = ""
        if not scenario.because and not accepted + not_permitted:
            missing = "something legal"
        elif not scenario.because and not rejected:
            missing = "a violation"
        elif rejected and not named + denied and not any(each.because for each in mixed):
            missing = "a violation that is refused in the name of the rule"
        if missing:
            self._now.note(
                Verdict.UNPROVEN,
                expected=f"{missing} along {self.path}, or the reason why there is none",
                observed=self._elsewhere or "neither",
                cause="one side",
                steps=(),  # nothing that was tried shows it
            )

    def _prepare(self, scenario: Scenario) -> None:
        """Bring about the state that a scenario begins with."""
        for transaction in filter(None, scenario.given):
            outcome = self._carry_out(transaction, Path.UPDATE)
            if not isinstance(outcome, Accepted):
                self._now.refused(outcome, "a legal state to begin with")
                self._expect_no_violation()
                raise _EndError
        if scenario.past:
            outcome = self._carry_out(scenario.past, Path.UPDATE)
            if names(self.rule, outcome):  # what else refuses it says nothing of our rule
                self._now.refused(outcome, "a legal past")
                raise _EndError

    def _expect_accepted(self, transaction: Transaction) -> None:
        lack = self._lack(transaction, self.path)
        if lack:
            if not self._now.denied(in_order(transaction, self.path), lack):
                raise _EndError
            self.tally.not_permitted += 1
        outcome = self._carry_out(transaction, self.path)
        if not isinstance(outcome, Accepted):
            if not self._is_astray:
                self._now.refused(outcome, "accepted: it is legal")
            self._is_astray = True
            return
        undone = self._now.is_undone()
        if undone:
            self._now.undone("accepted: it is legal")
        self._is_astray |= undone
        self.tally.accepted += not (lack or undone)

    def _carry_out(self, transaction: Transaction, path: Path) -> Outcome:
        """Carry out what is legal: what the role has no right to, somebody has to do."""
        lack = self._lack(transaction, path)
        return self._now.carry_out(transaction, path, as_owner=bool(lack))

    def _lack(self, transaction: Transaction, path: Path) -> str:
        """Return a right that a transaction needs and our role lacks; of the owner, '' at once."""
        return (
            self._sandbox.missing_privilege(in_order(transaction, path))
            if self._sandbox.role
            else ""
        )

    def _expect_rejected(self, transaction: Transaction, also: frozenset[str]) -> None:
        outcome = self._now.carry_out(transaction, self.path)
        expected = f"rejected: {self.rule.statement}"
        if is_denied(outcome) and self._lack(transaction, self.path):
            self.tally.rejected += 1
            self.tally.denied += 1
            return
        if isinstance(outcome, Accepted):
            self._accepted(expected)
            return
        if self._is_astray:
            return
        cause, observed = culprit(outcome), str(outcome)
        named = names(self.rule, outcome)
        other = self._now.hindrance(outcome)
        if not named and not other and rule_named(outcome) not in also:
            other = (
                another_key(outcome, {self.rule.id, *also})
                or self._now.made_by(outcome)
                or self._now.masked_by(outcome)
            )
        if other or says_nothing(outcome):
            because = f"because of {other}: {observed}" if other else observed
            self._now.note(
                Verdict.UNPROVEN, expected=expected, observed=because, cause=other or cause
            )
            return
        if not named and rule_named(outcome) not in also:
            self._now.note(
                Verdict.UNNAMED,
                expected=f"{expected}, named {' or '.join(sorted(self.rule.tokens))}…",
                observed=observed,
                cause=cause,
            )
            return
        if not named:
            self._elsewhere = f"{observed}, as it breaks {rule_named(outcome)} too"
        self.tally.rejected += 1
        self.tally.named += named

    def _accepted(self, expected: str) -> None:
        """Note a violation that was accepted.

        After a legal write that was refused it may be none: then the violation query decides. So
        it does where no row of the tables was written: a trigger may have written another one.
        """
        undone = self._now.is_undone()
        is_seen = (self._is_astray or undone) and self.rule.id in self._sandbox.violations()
        if undone and not is_seen:
            self._now.undone(expected)
            raise _EndError
        if is_seen or not self._is_astray:
            self._now.note(Verdict.BROKEN, expected=expected, observed="accepted", cause="accepted")
            raise _EndError

    def _instead(self, mixed: ViolatesSeveral) -> frozenset[str]:
        """Return which rules may be named where a type has a label too many.

        Another one's name says nothing of a rule that the schema has no other name of: that rule
        left it to the type.
        """
        return frozenset(mixed.also if self._sandbox.knows(self.rule.tokens) else ())

    def _check(self, fact: Fact, begun: int | None = None) -> None:
        """Ask a fact; if that is right but for a plan, show how the plan was made where it was."""
        asked = self._asked(fact)
        observed, shown = self._plans.ask(asked, fact.query), fact.query
        right = [(fact.expected,)]
        if observed != right and begun is not None and asked.ask(fact.query) == right:
            shown = self._plans.shown(asked, fact.query)
            self._now.script.insert(begun, self._plans.script(asked, fact.query))
        self._now.script.append(f"{shown};  -- expected: {fact.expected!r}\n")
        if observed != right and self._now.is_lacking:
            return  # what could not be called has done nothing
        if observed != right:
            answered = isinstance(observed, list) or observed.sqlstate == WAITED
            untaken, said = "", told(observed) if isinstance(observed, list) else str(observed)
            if not isinstance(observed, list):
                untaken = self._sandbox.misfits.told(observed, fact.query, self.rule.types)
            self._now.is_lacking = isinstance(observed, Rejected) and is_foreign(observed)
            self._now.note(
                Verdict.BROKEN if answered else Verdict.UNPROVEN,
                expected=f"{fact.query} is {fact.expected!r}",
                observed=untaken
                or f"{said}{'' if shown == fact.query else ', from a plan made before'}",
                cause="a fact" if isinstance(observed, list) else culprit(observed),
                steps=(),  # what a query returns is no transaction
            )
        elif fact.side:
            self.tally.accepted += 1
        else:
            self.tally.rejected += 1
            self.tally.named += 1

    def _asked(self, fact: Fact) -> Session:
        """Return the session that a fact is asked in: the owner's, where our role has no right."""
        lack = self._sandbox.missing_privilege([Statement(fact.query)])
        return self._sandbox.owner if lack else self._sandbox.session

    def _check_within(self, within: OwnCheck) -> None:
        """Ask facts in the transaction that has written something."""
        try:
            for statement in (Statement("BEGIN"), *in_order(within.writes, Path.UPDATE)):
                self._now.script.append(statement.script())
                self._expect_held(self._sandbox.session.send(statement))
            list(map(self._check, within.facts))
        finally:
            self._sandbox.session.send(Statement("ROLLBACK"))
        self._now.script.append("ROLLBACK;\n")

    def _check_beside(self, beside: ConcurrentCheck) -> None:
        """Ask facts while another session has written something and not committed it."""
        body = in_order(beside.writes, self.path)
        self._now.script.append("-- meanwhile, in another session, which has not committed:\n")
        self._now.script += [f"-- {line}\n" for line in transaction_script(body).splitlines()[:-1]]
        asked = self._sandbox.session, self._sandbox.owner
        with self._sandbox.owner.another() as other:
            for statement in (Statement("BEGIN"), *body):
                self._expect_held(other.send(statement))
            try:
                for session in asked:
                    session.fetch_all(AT_ONCE)
                for fact in beside.facts:
                    self._check(fact)
            finally:
                for session in asked:
                    session.fetch_all(TIMEOUTS)
                other.send(Statement("ROLLBACK"))
        self._now.script.append("-- the other session: ROLLBACK\n")

    def _expect_held(self, outcome: Outcome) -> None:
        if not isinstance(outcome, Accepted):
            self._now.note(
                Verdict.UNPROVEN,
                expected="written in a transaction that stays open",
                observed=str(outcome),
                cause=culprit(outcome),
                steps=(),  # it takes facts
            )
            raise _EndError

    def _expect_all_labels(self) -> None:
        for enum in sorted(self.rule.types):
            for label in self._sandbox.labels.missing.get(enum, ()):
                outcome = self._now.transact([Statement(f"SELECT {label}")])
                if not isinstance(outcome, Accepted):
                    self._now.refused(outcome, "accepted: it is legal")

    def _expect_an_violation_query(self) -> None:
        error = self._sandbox.unreadable.get(self.rule.id)
        if error is not None:
            self._now.note(
                Verdict.UNPROVEN,
                expected="an answer to its violation query",
                observed=error,
                cause="no violation query",
                steps=(),  # what a query says is no transaction
            )

    def _expect_no_violation(self) -> None:
        for rule, keys in self._sandbox.violations().items():
            self._now.note(
                Verdict.BROKEN,
                expected=f"no row that breaks it: {RULES[rule].statement}",
                observed=f"its violation query returns {keys[:5]}",
                cause="violation query",
                rule=rule,
            )
