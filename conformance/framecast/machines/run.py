"""One run on a database: operations, one transaction after another, judged twice each time.

The model says what must become of a transaction; the database says what did. After every commit the
violation queries look for rows that break a rule, and then the rows themselves are compared with
the model's: what breaks a rule is named after it, and only what breaks none is named after the
model.

What a schema cannot take, because it lacks a column or a function, is a gap: a run that may have
gaps goes on without it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.gaps import MODEL, Gaps, about, about_all
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.catalogue.inventory import Inventory
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.outcomes import Accepted, Outcome, Rejected
from conformance.engine.sql.writes import statements
from conformance.framecast.machines import differences, excuses
from conformance.framecast.machines.coverage import tried
from conformance.framecast.machines.exploration import Explorer
from conformance.framecast.machines.judging import Pending, expected, wrong
from conformance.framecast.machines.named import RIGHT, is_refused_by
from conformance.framecast.machines.pasts import Passed, bring_about, copy_of, is_no_clients
from conformance.framecast.machines.rows import claim, way_to_acceptance, way_to_difference
from conformance.framecast.machines.visible_rows import Rows
from conformance.framecast.model import State, rules
from conformance.framecast.operations import step
from conformance.framecast.operations.run_record import RunRecord, recorded
from conformance.framecast.operations.setups import BEGIN, begin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.engine.cases.steps import Step as Shown
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.database.session import Started
    from conformance.engine.database.under_way import Answer
    from conformance.engine.sql.writes import Statement
    from conformance.framecast.machines.exploration import Reached
    from conformance.framecast.machines.log import Log
    from conformance.framecast.operations import Operation, Step


class MachineRun:
    """A model and a database that go through the same operations."""

    def __init__(self, sandbox: Sandbox, log: Log) -> None:
        """Begin with nothing, on both sides."""
        self.state = State()
        self.log = log
        log.rows = self._rows = log.rows or Rows(sandbox.session)
        log.inventory = self._inventory = log.inventory or Inventory.of(sandbox.session)
        self._pending: Pending | None = None
        self._transactions: list[tuple[State, Sequence[Step]]] = []
        self.sandbox = sandbox
        self._script: list[str] = []
        self._learned = False  # whether a refusal has told of a column that must be given
        self._begun = False
        self._past: list[Passed] = []  # what was accepted, and so led here
        self.explorer = Explorer(log.archive) if log.archive is not None else None

    def begin(self, like: str) -> None:
        """Begin with a setup, which breaks nothing; raises as `commit`.

        The first run that does so writes it, and it is judged. Later ones have a copy of its rows.
        """
        if like == "nothing":
            return
        first = self.plan(self.state, BEGIN, {"like": like})
        if first is None:
            return
        if first.broken:
            message = f"the setup {like!r} breaks {sorted(first.broken)}"
            raise ValueError(message)
        copy = copy_of(like)
        if not self.sandbox.has_kept(copy):
            self.commit([first])
            if self.state.serial:
                self.sandbox.keep(copy)
            elif self._learned:
                self.begin(like)
            return
        self.sandbox.bring_back(copy)
        self._begun = True
        body = self._tell([first])
        self.sandbox.session.history[:] = [(tuple(body), Accepted())]
        self._note(self.state, [first], Accepted())
        self.state = replace(first.after, tick=self.state.tick + 1)
        self._pass(tuple(body), told=1)

    def resume(self, reached: Reached) -> None:
        """Begin where another run came to, with what led there as this run's own past.

        Raises:
            Finding: What was accepted there is not accepted again.
        """
        self._past = list(reached.past)
        self._transactions = [(each.before, each.steps) for each in self._past]
        self._script = [text for each in self._past for text in each.script]
        self._begun = True
        outcome = bring_about(self.sandbox, self._past)
        if not isinstance(outcome, Accepted):
            raise self._finding(
                MODEL, Verdict.UNPROVEN, expected="accepted, as before", observed=str(outcome)
            )
        self.state = reached.state

    def plan(self, state: State, operation: Operation, arguments: Mapping[str, Any]) -> Step | None:
        """Return what an operation would do; a setup without what the schema lacks.

        None for a setup that comes to nothing without that.
        """
        if operation is not BEGIN:
            return step(state, operation, arguments)
        planned, skipped = begin(state, arguments["like"], self._inventory.lack)
        for name, lack in skipped.items():
            where = f"the start {arguments['like']!r}: {name!r}"
            self._note_gap(f"{where} cannot be done: {self._inventory.told(lack)}", about(*lack))
        # What was left out may be what the rest of it needs.
        return None if skipped and planned is not None and planned.broken else planned

    def do(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """Do one thing, in a transaction of its own; raises as `commit`."""
        self.commit([step(self.state, operation, arguments)])

    def commit(self, steps: Sequence[Step]) -> None:
        """Do several things in one transaction, each of which begins where the last one ends.

        Raises:
            Finding: The database did not do what the model says, or a rule is broken.
        """
        self.start(steps)
        self.settle()

    def start(self, steps: Sequence[Step]) -> None:
        """Begin what `commit` does, and take the model's word for it meanwhile.

        The database works on it until `settle`, or until the next one is begun, which is where it
        is judged. If the schema then turns out to be unable to take it, the next one, which was
        chosen for a state that never was, is not done.

        Raises:
            Finding: As `commit`, of the transaction before.
        """
        if not self.settle():
            return
        before, after = self.state, steps[-1].after
        changed = after.changed_since(before)
        may = frozenset().union(*(each.broken for each in steps))
        must = rules.broken(after, changed).union(*(each.at_once for each in steps))
        if self._needs_a_missing_privilege(steps):
            may, must = may | {RIGHT}, must | {RIGHT}
        doing = self._send(steps, changed, must)
        self._pending = Pending(before, steps, may, must, changed, doing)
        if not self._pending.is_foreseen:
            self.settle()
            return
        if not must:
            self.state = replace(after, tick=before.tick + 1)
        if self.explorer is not None:
            self.explorer.note(before, steps, accepted=not must)

    def settle(self) -> bool:
        """Judge the transaction that is under way, if there is one; raises as `commit`.

        Returns:
            Whether it was one that the schema can take.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return True
        before, steps, may, must, changed, doing = pending
        outcome, answers = doing.end()
        accepted = isinstance(outcome, Accepted)
        self._script.append(f"-- expected: {expected(may, must)}; observed: {outcome}\n\n")
        if isinstance(outcome, Rejected):
            body = [each for one in steps for each in _body(one)]
            untaken = excuses.untaken(self.sandbox, body, outcome, may, must)
            other = "" if untaken else excuses.innocent(self.sandbox, body, outcome, may)
            if untaken or other:
                self.state = before
                self._go_without(steps, () if other else changed, outcome, untaken or other)
                if self.explorer is not None and not pending.is_foreseen:
                    self.explorer.note(before, steps, accepted=True)  # or it is new for ever
                return False
        violations = self._violations(steps, answers) if accepted else {}
        self.judge(outcome, may, must, changed)
        if self.explorer is not None and not pending.is_foreseen:
            self.explorer.note(before, steps, accepted=accepted)
        self._note(before, steps, outcome)
        if accepted:
            self.state = replace(steps[-1].after, tick=before.tick + 1)
            self._expect_none(violations)
            self._expect_the_same(steps, changed, answers[1:])
            self._pass(self.sandbox.session.history[-1][0], told=2)
        return True

    def abandon(self) -> None:
        """Wait for what is under way, and judge nothing."""
        if self._pending is not None:
            self._pending.doing.end()
            self._pending = None

    @property
    def record(self) -> RunRecord:
        """Replayable record of a run, for shortening."""
        record = []
        for first, steps in self._transactions:
            states = [first, *(each.after for each in steps)]
            record.append(tuple(recorded(*pair) for pair in zip(states, steps, strict=False)))
        return tuple(record)

    def _send(
        self, steps: Sequence[Step], changed: frozenset[str], must: frozenset[str]
    ) -> Started:
        """Begin a transaction, with what is asked after it if it is to be accepted."""
        if not self._begun:
            self.sandbox.reset()
            self._begun = True
        body, session = self._tell(steps), self.sandbox.session
        if is_no_clients(steps):
            return self.sandbox.let_time_pass(body)
        if must or session is not self.sandbox.owner:
            return session.start(body)
        return session.start(body, [self.sandbox.asking(), *self._rows.asking(sorted(changed))])

    def _needs_a_missing_privilege(self, steps: Sequence[Step]) -> bool:
        """Return whether we act as a role that has no right to do this."""
        if is_no_clients(steps):
            return False
        return bool(self.sandbox.missing_privilege([one for each in steps for one in _body(each)]))

    def _tell(self, steps: Sequence[Step]) -> list[Statement]:
        """Note what is about to be done, and return its statements."""
        self._transactions.append((self.state, steps))
        written = [each for one in steps for each in _body(one)]
        body = list(self.sandbox.arbiters.aimed_if_possible(written))
        comment = "".join(f"-- {each}\n" for each in steps)
        self._script.append(comment + transaction_script(body))
        return body

    def judge(
        self,
        outcome: Outcome,
        may: frozenset[str],
        must: frozenset[str],
        changed: frozenset[str],
    ) -> None:
        """Compare what became of a transaction with the rules that it may and must break.

        Raises:
            Finding: It is not what the model says.
        """
        found = wrong(outcome, may, must)
        if found is not None:
            rule, verdict = found
            raise self._finding(
                rule,
                verdict,
                expected=expected(may, must),
                observed=str(outcome),
                steps=self._way_of(rule, changed) if isinstance(outcome, Accepted) else None,
            )

    def _note(self, before: State, steps: Sequence[Step], outcome: Outcome) -> None:
        accepted = isinstance(outcome, Accepted)
        self.log.steps += len(steps)
        self.log.accepted += accepted * len(steps)
        for each in steps:
            self.log.operations[each.operation.name] += 1
            self.log.left_out.keep(each.operation.name)
            for edge, rule in tried(before, each.after, each.broken):
                # Of several operations, nobody knows which one was reached.
                refused = bool(rule) and len(steps) == 1 and is_refused_by(outcome, rule)
                if refused or (accepted and not rule):
                    self.log.edges[edge] += 1
            before = each.after

    def _pass(self, body: tuple[Statement, ...], told: int) -> None:
        """Take a transaction as part of what led here; of its script, the last few texts."""
        before, steps = self._transactions[-1]
        self._past.append(Passed(before, steps, tuple(self._script[-told:]), body))
        if self.explorer is not None:
            self.explorer.reach(self.state, self._past)

    def _way_of(self, rule: str, changed: frozenset[str]) -> tuple[Shown, ...] | None:
        """Return what shows that something was accepted which no rule refuses; else None."""
        if rule in RULES:
            return None
        # A right that our role lacks, the owner has, who replays it.
        if rule == RIGHT:
            return ()
        return way_to_acceptance(self.sandbox, [self._claim(table) for table in sorted(changed)])

    def _expect_the_same(
        self, steps: Sequence[Step], changed: frozenset[str], answers: Sequence[Answer]
    ) -> None:
        read = sorted(changed)
        shown = self._rows.found(read, answers) if answers else self._rows.read(read)
        for table, rows in shown.items():
            expected = self._rows.of(self.state, table)
            if rows != expected:
                found = differences.differences(table, expected, rows)
                ours, theirs = differences.told(found)
                says = [rule for each in steps for rule in each.operation.says]
                raise self._finding(
                    differences.rule_of(found, says) or f"{MODEL} of {table}",
                    Verdict.BROKEN,
                    expected=ours,
                    observed=theirs,
                    steps=way_to_difference(self.sandbox, self._claim(table)),
                )
        gaps = Gaps() if self.log.gaps is None else self.log.gaps
        self._rows.note(changed, gaps)
        self._settle(gaps)

    def _claim(self, table: str) -> Statement:
        """Return a statement that fails where a table's rows are not the model's."""
        return claim(self.state, table, self._rows.without.get(table, ()))

    def _go_without(
        self, steps: Sequence[Step], changed: Iterable[str], outcome: Rejected, reason: str
    ) -> None:
        """Note that a transaction cannot be done, and left nothing behind, and whom that concerns.

        Those are the rules of changed tables; where none are given, the model alone.
        """
        self._learned = self._inventory.learn(outcome)
        lacks = [self._inventory.lack(write) for each in steps for write in each.writes]
        rules = about_all(lacks)
        if not rules:
            sql = " ".join(each.sql for one in steps for each in _body(one))
            rules = about_all((table, sql) for table in sorted(changed))
        if len(steps) == 1:
            self.log.left_out.skip(steps[0], reason, rules)
        name = " and ".join(dict.fromkeys(repr(each.operation.name) for each in steps))
        self._note_gap(f"{name} cannot be done: {reason}", rules)

    def _note_gap(self, reason: str, rules: Sequence[str]) -> None:
        gaps = Gaps() if self.log.gaps is None else self.log.gaps
        gaps.note(reason, rules, "".join(self._script))
        self._settle(gaps)

    def _settle(self, gaps: Gaps) -> None:
        """End a run that may have no gaps; raises a Finding."""
        if self.log.gaps is None:
            gaps.settle()

    def _violations(self, steps: Sequence[Step], answers: Sequence[Answer]) -> dict[str, list[str]]:
        """Return what breaks rules of what was written; of all there is, where time has passed.

        The change log is disabled while it does, and sees none of the rows that get older: neither
        what was written, nor what is to be brought back, can be known from it.
        """
        if answers:
            return self.sandbox.new_violations_in(answers[0])
        if not is_no_clients(steps):
            return self.sandbox.new_violations()
        found = self.sandbox.violations()
        self.sandbox.lose_track()
        return found

    def _expect_none(self, broken: dict[str, list[str]]) -> None:
        if broken:
            name = next(iter(broken))
            raise self._finding(
                name,
                Verdict.BROKEN,
                expected=f"no row that breaks it: {RULES[name].statement}",
                observed=f"its violation query returns {broken[name][:5]}",
            )

    def _finding(
        self,
        rule: str,
        verdict: Verdict,
        *,
        expected: str,
        observed: str,
        steps: tuple[Shown, ...] | None = None,
    ) -> Finding:
        self.log.failed = self.record
        script = "".join(self._script)
        return Finding(
            rule, verdict, expected=expected, observed=observed, script=script, steps=steps
        )


def _body(step: Step) -> list[Statement]:
    return [each for write in step.writes for each in statements(write)]
