"""One scenario's transactions on a database: the script that shows them, and what they came to."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from conformance.engine.cases import derived_values
from conformance.engine.cases.masking import masked_by
from conformance.engine.cases.refusals import culprit, is_denied, names, rule_named, says_nothing
from conformance.engine.cases.steps import ACCEPTED, LEGAL, of_history
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.catalogue.inventory import NOT_NULL
from conformance.engine.catalogue.ordering import parents_first
from conformance.engine.database.session import in_order, locally
from conformance.engine.domain.chosen import RULES
from conformance.engine.privileges.missing import PRIVILEGE
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.cases.derived_values import Maker
    from conformance.engine.cases.scenario import Settings, Transaction
    from conformance.engine.cases.steps import Step
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.sql.writes import Path, Statement

# A foreign key that does not wait for COMMIT wants parents before their children.
NO_PARENT = "23503"


class Attempt:
    """Transactions for one rule, or for none, since the database was empty.

    Attributes:
        met: the findings, in the order in which they were met.
        script: what psql reads, with each outcome as a comment.
        is_lacking: whether a fact asked for what the schema has not.
    """

    def __init__(self, sandbox: Sandbox, rule: Rule | None, settings: Settings = ()) -> None:
        """Begin with nothing; each transaction is one of a session that has set these."""
        self._sandbox = sandbox
        self._rule = rule
        self._about = "" if rule is None else rule.id
        self._settings = locally(settings)
        self.met: list[Finding] = []
        self.script: list[str] = []
        self.is_lacking = False
        self._last: Sequence[Statement] = ()
        self._began = Decimal()  # the time of its transaction

    def transact(self, body: Sequence[Statement], *, as_owner: bool = False) -> Outcome:
        """Carry out a transaction.

        Raises:
            NotExpressibleError: The schema has no unique index for one of its statements.
        """
        body = self._sandbox.arbiters.aimed(body)
        role = None if as_owner else self._sandbox.role
        self._last = body  # without settings: violation queries are asked under none
        body = [*self._settings, *body]
        self.script.append(shown_as(role, transaction_script(body)))
        outcome = self._sandbox.run_as_owner(body) if as_owner else self._sandbox.session.run(body)
        self._began = (self._sandbox.owner if as_owner else self._sandbox.session).began
        self.script.append(f"-- {outcome}\n\n")
        return outcome

    def carry_out(self, transaction: Transaction, path: Path, *, as_owner: bool = False) -> Outcome:
        """Carry out a transaction; in another order, if a key of another rule asks for one."""
        body = in_order(transaction, path)
        outcome = self.transact(body, as_owner=as_owner)
        if not _lacks_a_parent(outcome) or names(self._rule, outcome):
            return outcome
        other = parents_first(transaction, path)
        if other == body:
            return outcome
        first = len(self.script) - 2
        again = self.transact(other, as_owner=as_owner)
        if _lacks_a_parent(again):
            del self.script[-2:]
            return outcome
        del self.script[first : first + 2]
        return again

    def hindrance(self, outcome: Outcome, own: frozenset[str] = frozenset()) -> str:
        """Say which type could not take what the last transaction gave it, or ''.

        Args:
            outcome: what became of it.
            own: types that the trial is about, beside those of its rule: what they lack is theirs.
        """
        about = own | (self._rule.types if self._rule else frozenset())
        # A rule may be that a column is given.
        if getattr(outcome, "sqlstate", "") == NOT_NULL and names(self._rule, outcome):
            return ""
        return self._sandbox.misfits.hindrance(outcome, self.script[-2], about)

    def denied(self, body: Sequence[Statement], lack: str) -> bool:
        """Carry out what the role has no right to, and note it where that is not why it is refused.

        Returns:
            Whether it is.
        """
        outcome = self.transact(body)
        if not is_denied(outcome):
            refused = Verdict.UNPROVEN if says_nothing(outcome) else Verdict.UNNAMED
            self.note(
                Verdict.BROKEN if isinstance(outcome, Accepted) else refused,
                expected=f"refused for want of a right ({PRIVILEGE}): {lack}",
                observed=str(outcome),
                cause=culprit(outcome),
            )
        return is_denied(outcome)

    def is_undone(self) -> bool:
        """Return whether the last transaction left a write undone that had to be done."""
        return self._sandbox.written.is_undone(self._last, self._began)

    def undone(self, expected: str) -> None:
        """Note that the last transaction left a write undone."""
        cause = "no row was written"
        self.note(
            Verdict.UNPROVEN, expected=expected, observed=f"accepted, and {cause}", cause=cause
        )

    def made_by(self, outcome: Outcome) -> str:
        """Return the rule that derived, wrongly, what another one than ours has refused; or ''."""
        made_by = derived_values.maker(self._sandbox, outcome, self._last)
        return made_by.name if made_by is not None and made_by.is_broken else ""

    def masked_by(self, outcome: Outcome) -> str:
        """Return somebody else's object that has refused before our rule was asked; or ''."""
        return masked_by(self._sandbox, self._rule, outcome, self._last) if self._rule else ""

    def refused(self, outcome: Outcome, expected: str) -> None:
        """Note who refused what is legal: only what refuses in the name of the rule is its fault.

        What another rule or object refused leaves this one unproven.
        """
        cause, observed = culprit(outcome), str(outcome)
        hindrance = self.hindrance(outcome)
        if hindrance:
            observed = f"because of {hindrance}: {observed}"
            self.note(Verdict.UNPROVEN, expected=expected, observed=observed, cause=hindrance)
            return
        made_by = derived_values.called(outcome, self._last) or derived_values.maker(
            self._sandbox, outcome, self._last
        )
        if made_by is not None:
            self._made_illegal(made_by, outcome, expected)
            return
        if names(self._rule, outcome):
            self.note(Verdict.OVERBLOCKED, expected=expected, observed=observed, cause=cause)
            return
        other = rule_named(outcome)
        if other:
            self.note(
                Verdict.OVERBLOCKED,
                expected=f"{expected} (tried for {self._about})",
                observed=observed,
                cause=cause,
                rule=other,
            )
            observed = f"because of {other}: {observed}"
        self.note(Verdict.UNPROVEN, expected=expected, observed=observed, cause=cause)

    def _made_illegal(self, made_by: Maker, outcome: Outcome, expected: str) -> None:
        """Note that what was refused had been made illegal by the schema, and by which rule."""
        if made_by.is_broken:
            self.note(
                Verdict.BROKEN,
                expected=f"no row that breaks it: {RULES[made_by.name].statement}",
                observed=f"what it derives is {outcome}",
                cause=culprit(outcome),
                rule=made_by.name,
                steps=(),  # what is refused leaves nothing to look at
            )
        if made_by.name != self._about:
            observed = f"because of {made_by.name}: {outcome}"
            self.note(Verdict.UNPROVEN, expected=expected, observed=observed, cause=made_by.name)
        elif not made_by.is_broken:
            observed = f"what it derives is {outcome}"
            self.note(
                Verdict.OVERBLOCKED, expected=expected, observed=observed, cause=culprit(outcome)
            )

    def note(  # noqa: PLR0913 - as a finding
        self,
        verdict: Verdict,
        *,
        expected: str,
        observed: str,
        cause: str,
        rule: str = "",
        steps: tuple[Step, ...] | None = None,
    ) -> None:
        """Note a finding at the place where it was met: what comes later is no part of it."""
        about = rule or self._about
        finding = Finding(
            about,
            verdict,
            expected=expected,
            observed=observed,
            script="".join(self.script),
            steps=self._steps(verdict, about) if steps is None else steps,
            cause=cause,
        )
        self.met.append(finding)

    def _steps(self, verdict: Verdict, rule: str) -> tuple[Step, ...]:
        history = self._sandbox.session.history
        if verdict in (Verdict.OVERBLOCKED, Verdict.UNPROVEN) or not history:
            return of_history(history, ACCEPTED)
        accepted = isinstance(history[-1][1], Accepted)
        shows = verdict is Verdict.BROKEN and (not accepted or self._sandbox.violations())
        return of_history(history, LEGAL if shows else (rule,))


def _lacks_a_parent(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.sqlstate == NO_PARENT


def transaction_script(body: Sequence[Statement]) -> str:
    """Return a transaction as psql reads it."""
    return "BEGIN;\n" + "".join(statement.script() for statement in body) + "COMMIT;\n"


def shown_as(role: str | None, script: str) -> str:
    """Return a script as psql reads it of who writes; None for the owner."""
    return f"SET ROLE {role};\n{script}RESET ROLE;\n" if role else script
