"""Trying a scenario on a database: every write really commits, and every answer is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.catalogue import RULES
from conformance.outcomes import Accepted, Inconclusive, Outcome, Rejected
from conformance.plans import Plans
from conformance.scenario import Mixed
from conformance.session import TIMEOUTS, in_order
from conformance.verdicts import Finding, Tally, Verdict
from conformance.withheld import PRIVILEGE
from conformance.writes import Path, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.catalogue import Rule
    from conformance.lab import Lab
    from conformance.scenario import Beside, Fact, Scenario
    from conformance.session import Session
    from conformance.steps import Step

# What a type says of text that is none of its values.
NOT_A_VALUE = "22P02"
# What is not there: a table, a column, a function, a type. Such a schema says nothing of the rule.
MISSING = frozenset({"42P01", "42703", "42883", "42704"})

# Whoever must not wait has no more than this, which no lock of another kind takes.
WAITED = "55P03"
AT_ONCE = "SET lock_timeout = '500ms'"


class Trial:
    """One scenario of one rule along one path, on one database."""

    def __init__(self, lab: Lab, rule: Rule, path: Path) -> None:
        """Count what happens in `tally`."""
        self.tally = Tally()
        self._lab = lab
        self.rule = rule
        self.path = path
        self._script: list[str] = []
        self._plans = Plans()

    def run(self, scenario: Scenario) -> None:
        """Try a scenario on the emptied database.

        Raises:
            Finding: The schema did not do what the rule asks.
        """
        self._lab.reset()
        self._script = []
        before = replace(self.tally)
        self._expect_all_labels()
        self._expect_an_oracle()
        for transaction in filter(None, scenario.given):
            self._prepare(in_order(transaction, Path.UPDATE))
        self._plans.forget()
        for session in dict.fromkeys(map(self._asked, scenario.facts)):
            some = (fact.query for fact in scenario.facts if self._asked(fact) is session)
            self._plans.make(session, some)
        begun = len(self._script)
        for transaction in scenario.legal:
            self._expect_accepted(in_order(transaction, self.path))
        for beside in scenario.beside:
            self._check_beside(beside)
        for fact in scenario.facts:
            self._check(fact, begun)
        for each in scenario.broken:
            mixed = each if isinstance(each, Mixed) else Mixed(each, frozenset())
            self._expect_rejected(in_order(mixed.writes, self.path), frozenset(mixed.also))
            for writes in self._lab.labels.stand_ins(mixed.writes):
                self._expect_rejected(in_order(writes, self.path), self._instead(mixed))
        self._expect_no_violation()
        self._expect_both_sides(scenario, before)

    def _expect_both_sides(self, scenario: Scenario, before: Tally) -> None:
        """Expect that a scenario tried what it can, or says why not."""
        accepted, rejected, named, denied, withheld = (
            now - then for now, then in zip(self.tally.counts, before.counts, strict=True)
        )
        mixed = [each for each in scenario.broken if isinstance(each, Mixed) and each.also]
        missing = ""
        if not scenario.because and not accepted + withheld:
            missing = "something legal"
        elif not scenario.because and not rejected:
            missing = "a violation"
        elif rejected and not named + denied and not any(each.because for each in mixed):
            missing = "a violation that is refused in the name of the rule"
        if missing:
            raise self._finding(
                Verdict.UNPROVEN,
                expected=f"{missing} along {self.path}, or the reason why there is none",
                observed="neither",
                steps=(),  # nothing that was tried shows it
            )

    def _prepare(self, body: Sequence[Statement]) -> None:
        as_owner = bool(self._lab.withheld(body))  # what is not tried, somebody has to do
        outcome = self._transact(body, as_owner=as_owner)
        if isinstance(outcome, Accepted):
            return
        ours = isinstance(outcome, Rejected) and outcome.token in self.rule.tokens
        raise self._finding(
            Verdict.OVERBLOCKED if ours else Verdict.UNPROVEN,
            expected="a legal state to begin with",
            observed=str(outcome),
        )

    def _expect_accepted(self, body: Sequence[Statement]) -> None:
        lack = self._lab.withheld(body)
        if lack:
            self._expect_denied(body, lack)
            self.tally.withheld += 1
        outcome = self._transact(body, as_owner=bool(lack))
        if not isinstance(outcome, Accepted):
            raise self._finding(
                Verdict.UNPROVEN if _says_nothing(outcome) else Verdict.OVERBLOCKED,
                expected="accepted: it is legal",
                observed=str(outcome),
            )
        self.tally.accepted += not lack

    def _expect_denied(self, body: Sequence[Statement], lack: str) -> None:
        outcome = self._transact(body)
        if not _is_denied(outcome):
            raise self._finding(
                Verdict.BROKEN if isinstance(outcome, Accepted) else Verdict.UNNAMED,
                expected=f"refused for want of a right ({PRIVILEGE}): {lack}",
                observed=str(outcome),
            )

    def _expect_rejected(self, body: Sequence[Statement], also: frozenset[str]) -> None:
        outcome = self._transact(body)
        expected = f"rejected: {self.rule.statement}"
        if _is_denied(outcome) and self._lab.withheld(body):
            self.tally.rejected += 1
            self.tally.denied += 1
            return
        if isinstance(outcome, Inconclusive) or _says_nothing(outcome):
            raise self._finding(Verdict.UNPROVEN, expected=expected, observed=str(outcome))
        if isinstance(outcome, Accepted):
            raise self._finding(Verdict.BROKEN, expected=expected, observed=str(outcome))
        named = self._names_the_rule(outcome)
        if not named and outcome.token not in {RULES[other].token for other in also}:
            raise self._finding(
                Verdict.UNNAMED,
                expected=f"{expected}, named {' or '.join(sorted(self.rule.tokens))}…",
                observed=str(outcome),
            )
        self.tally.rejected += 1
        self.tally.named += named

    def _instead(self, mixed: Mixed) -> frozenset[str]:
        """Return which rules may be named where a type has a label too many.

        Another one's name says nothing of a rule that the schema has no other name of: that rule
        left it to the type.
        """
        return frozenset(mixed.also if self._lab.knows(self.rule.tokens) else ())

    def _names_the_rule(self, rejected: Rejected) -> bool:
        if rejected.constraint:
            return rejected.token in self.rule.tokens
        return bool(self.rule.types) and rejected.sqlstate == NOT_A_VALUE

    def _check(self, fact: Fact, begun: int | None = None) -> None:
        """Ask a fact; if that is right but for a plan, show how the plan was made where it was."""
        asked = self._asked(fact)
        observed, shown = self._plans.ask(asked, fact.query), fact.query
        right = [(fact.expected,)]
        if observed != right and begun is not None and asked.ask(fact.query) == right:
            shown = self._plans.shown(asked, fact.query)
            self._script.insert(begun, self._plans.script(asked, fact.query))
        self._script.append(f"{shown};  -- expected: {fact.expected!r}\n")
        if observed != right:
            answered = isinstance(observed, list) or observed.sqlstate == WAITED
            raise self._finding(
                Verdict.BROKEN if answered else Verdict.UNPROVEN,
                expected=f"{fact.query} is {fact.expected!r}",
                observed=f"{observed}{'' if shown == fact.query else ', from a plan made before'}",
                steps=(),  # what a query returns is no transaction
            )
        if fact.side:
            self.tally.accepted += 1
        else:
            self.tally.rejected += 1
            self.tally.named += 1

    def _asked(self, fact: Fact) -> Session:
        """Return the session that a fact is asked in: the owner's, where our role has no right."""
        lack = self._lab.withheld([Statement(fact.query)])
        return self._lab.owner if lack else self._lab.session

    def _check_beside(self, beside: Beside) -> None:
        """Ask facts while another session has written something and not committed it."""
        body = in_order(beside.writes, self.path)
        self._script.append("-- meanwhile, in another session, which has not committed:\n")
        self._script += [f"-- {line}\n" for line in transaction_script(body).splitlines()[:-1]]
        asked = self._lab.session, self._lab.owner
        with self._lab.owner.another() as other:
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
        self._script.append("-- the other session: ROLLBACK\n")

    def _expect_held(self, outcome: Outcome) -> None:
        if not isinstance(outcome, Accepted):
            raise self._finding(
                Verdict.UNPROVEN,
                expected="written by the other session",
                observed=str(outcome),
                steps=(),  # it takes two sessions
            )

    def _expect_an_oracle(self) -> None:
        error = self._lab.unreadable.get(self.rule.id)
        if error is not None:
            raise self._finding(
                Verdict.UNPROVEN,
                expected="an answer to its violation query",
                observed=error,
                steps=(),  # what a query says is no transaction
            )

    def _expect_all_labels(self) -> None:
        for enum in sorted(self.rule.types):
            for label in self._lab.labels.missing.get(enum, ()):
                body = (Statement(f"SELECT {label}"),)
                self._expect_accepted(body)

    def _expect_no_violation(self) -> None:
        broken = self._lab.violations()
        if not broken:
            return
        name = self.rule.id if self.rule.id in broken else next(iter(broken))
        raise Finding(
            name,
            Verdict.BROKEN,
            expected=f"no row that breaks it: {RULES[name].statement}",
            observed=f"its violation query returns {broken[name][:5]}",
            script=self._shown(),
        )

    def _transact(self, body: Sequence[Statement], *, as_owner: bool = False) -> Outcome:
        role = None if as_owner else self._lab.role
        shown = transaction_script(body)
        self._script.append(f"SET ROLE {role};\n{shown}RESET ROLE;\n" if role else shown)
        outcome = self._lab.run_as_owner(body) if as_owner else self._lab.session.run(body)
        self._script.append(f"-- {outcome}\n\n")
        return outcome

    def _finding(
        self,
        verdict: Verdict,
        *,
        expected: str,
        observed: str,
        steps: tuple[Step, ...] | None = None,
    ) -> Finding:
        return Finding(
            self.rule.id,
            verdict,
            expected=expected,
            observed=observed,
            script=self._shown(),
            steps=steps,
        )

    def _shown(self) -> str:
        return "".join(self._script)


def _is_denied(outcome: Outcome) -> bool:
    """Whether an outcome is the refusal of whoever lacks a right."""
    return isinstance(outcome, Rejected) and outcome.sqlstate == PRIVILEGE


def _says_nothing(outcome: Outcome) -> bool:
    """Whether an outcome is neither for nor against a rule."""
    if isinstance(outcome, Rejected):
        return outcome.sqlstate in MISSING
    return isinstance(outcome, Inconclusive)


def transaction_script(body: Sequence[Statement]) -> str:
    """Return a transaction as psql reads it."""
    return "BEGIN;\n" + "".join(statement.script() for statement in body) + "COMMIT;\n"
