"""Hostile runs on a database: whatever is accepted breaks no rule, whatever is refused says why.

A hostile run is one `@given` over a list of transactions, and no state machine: no write depends on
what became of the one before, so a list says all there is to say, and any of its elements can be
left out when it shrinks.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.engine.cases import derived_values
from conformance.engine.cases.gaps import Gaps, about, about_sql
from conformance.engine.cases.steps import ACCEPTED, LEGAL, Step
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.catalogue.inventory import Inventory
from conformance.engine.catalogue.misfits import another_object
from conformance.engine.database.session import in_order
from conformance.engine.domain.chosen import RULES
from conformance.engine.machines.refusals import fault_of
from conformance.engine.privileges.missing import PRIVILEGE
from conformance.engine.sql.outcomes import Accepted, Inconclusive, Outcome, Rejected
from conformance.engine.sql.writes import Path, Statement
from strategies.hostile_rows import Shape
from strategies.hostile_values import Column
from strategies.hostility import ISOLATION, Attack, HostileRun, HostileStatement, Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.database.sandbox import Sandbox

COLUMNS = """
SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
    a.attname, format_type(a.atttypid, NULL), a.attgenerated <> ''
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
ORDER BY 1, a.attnum
"""
LABELS = """
SELECT format_type(e.enumtypid, NULL), e.enumlabel FROM pg_enum AS e ORDER BY 1, e.enumsortorder
"""
DEFERRABLE = """
SELECT DISTINCT format('%I.%I', n.nspname, c.conname)
FROM pg_constraint AS c JOIN pg_namespace AS n ON n.oid = c.connamespace
WHERE c.condeferrable AND n.nspname <> 'conformance' ORDER BY 1
"""
SAVEPOINT = Statement("SAVEPOINT part")
BACK = Statement("ROLLBACK TO SAVEPOINT part")
RELEASE = Statement("RELEASE SAVEPOINT part")
COMMIT = Statement("COMMIT")
SETUP = "setup"
HOSTILE = "HOSTILE"  # in the place of a rule, where a refusal gives no reason
NO_RIGHT = "refused for want of a right: "
COUNTED = ("transactions", "accepted", "refused", "named")


def shape_of(sandbox: Sandbox) -> Shape:
    """Return the tables, labels and constraints of the schema in a database."""
    tables: dict[str, list[Column]] = {}
    for table, name, kind, generated in sandbox.session.fetch(COLUMNS):
        tables.setdefault(str(table), []).append(Column(str(name), str(kind), bool(generated)))
    labels: dict[str, list[str]] = {}
    for kind, label in sandbox.session.fetch(LABELS):
        labels.setdefault(str(kind), []).append(str(label))
    return Shape(
        {table: tuple(columns) for table, columns in tables.items()},
        {kind: tuple(each) for kind, each in labels.items()},
        tuple(str(name) for (name,) in sandbox.session.fetch(DEFERRABLE)),
    )


@dataclass(slots=True)
class Tally:
    """Counts of hostile runs, of their transactions by outcome, and of statements by kind.

    `named` counts refusals by the constraint or SQLSTATE that they name; `seconds` is the time that
    the hostile runs took.
    """

    hostile_runs: int = 0
    transactions: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    named: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what another tally returned as plain values."""
        self.hostile_runs += other["hostile_runs"]
        self.seconds += other["seconds"]
        for name in COUNTED:
            getattr(self, name).update(other[name])

    @property
    def statements(self) -> int:
        """Number of statements that were sent."""
        return self.accepted.total() + self.refused.total()

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for travel between processes."""
        return {
            "hostile_runs": self.hostile_runs,
            "seconds": self.seconds,
            **{name: dict(getattr(self, name)) for name in COUNTED},
        }

    def lines(self) -> Iterator[str]:
        """Return the summary: totals, then a line a kind of statement, then what refused most."""
        accepted, sent = self.accepted.total(), self.statements
        yield (
            f"{self.hostile_runs} hostile runs, {self.hostile_runs / (self.seconds or 1):.1f} a"
            " second;"
            f" {self.transactions['accepted']} of {self.transactions.total()} transactions and"
            f" {accepted} of {sent} statements accepted ({accepted / max(sent, 1):.0%})"
        )
        for kind in sorted({*self.accepted, *self.refused}):
            good, bad = self.accepted[kind], self.refused[kind]
            yield f"{kind:<16} {good:>7} accepted {bad:>7} refused"
        most = ", ".join(f"{name} {count}" for name, count in self.named.most_common(12))
        yield f"refused by {len(self.named)} names, most often {most}"


class HostileRunner:
    """Carries out hostile runs on one database.

    `gaps` are what could not be brought about: whoever has them noted settles them at the end.
    """

    def __init__(self, sandbox: Sandbox, gaps: Gaps | None = None) -> None:
        """Look at the schema; count what happens in `tally`.

        Without gaps to note it in, a hostile run ends where the schema cannot take its setup.
        """
        self.shape = shape_of(sandbox)
        self.tally = Tally()
        self.gaps = gaps
        self._sandbox = sandbox
        self._inventory = Inventory.of(sandbox.owner)
        self._hung: Finding | None = None
        self._kept: dict[str, bool] = {}
        self._setups: dict[str, list[tuple[Statement, ...]]] = {}
        self._committed: list[tuple[Statement, ...]] = []

    def run(self, hostile_run: HostileRun) -> None:
        """Carry out a hostile run on the emptied database.

        What the schema lacks columns for is left out of the setup. After a statement that waited
        until its timeout, which takes seconds, nothing more is tried.

        Raises:
            Finding: A rule is broken, a refusal gives no reason, the setup was refused, or
                something waited until its timeout.
        """
        if self._hung is not None:
            raise self._hung
        began = time.perf_counter()
        if self._begin(hostile_run):
            for attack in hostile_run.attacks:
                self._attack(attack)
        self.tally.hostile_runs += 1
        self.tally.seconds += time.perf_counter() - began

    def again(self, bodies: Sequence[tuple[Statement, ...]]) -> Finding | None:
        """Carry out transactions that a finding has shown; return what the last of them shows.

        None where it shows nothing, or what comes before it is not possible, or broken by itself.
        """
        tally, self.tally = self.tally, Tally()
        try:
            self._sandbox.reset()
            self._committed = list(bodies[:-1])
            for body in self._committed:
                run = (
                    self._sandbox.run_as_owner
                    if self._sandbox.missing_privilege(body)
                    else self._sandbox.session.run
                )
                if not isinstance(run(body), Accepted):
                    return None
            if self._sandbox.new_violations():
                return None
            self._last([each for each in bodies[-1] if each != COMMIT])
        except Finding as finding:
            return finding
        finally:
            self.tally = tally
        return None

    def _last(self, body: Sequence[Statement]) -> None:
        sent: list[Statement] = []
        self._sandbox.session.send(Statement("BEGIN"))
        try:
            if all(isinstance(self._send(each, sent), Accepted) for each in (*body, COMMIT)):
                self._committed.append(tuple(body))
                self._expect_no_violation()
        finally:
            self._sandbox.session.send(Statement("ROLLBACK"))

    def _begin(self, hostile_run: HostileRun) -> bool:
        """Bring the setup about: the first time by writing it, later from a copy.

        Return whether the schema can take it.
        """
        if hostile_run.name not in self._setups:
            fitting = [self._inventory.all_fitting(writes) for writes in hostile_run.setup]
            self._setups[hostile_run.name] = [
                tuple(in_order(each, Path.UPDATE)) for each in fitting if each
            ]
        self._committed = list(self._setups[hostile_run.name])
        if self._kept.get(hostile_run.name):
            self._sandbox.bring_back(f"{SETUP}_{hostile_run.name}")
            return True
        self._sandbox.reset()
        if not all(map(self._prepare, self._committed)):
            return False
        self._expect_no_violation()
        if hostile_run.name not in self._kept:
            self._kept[hostile_run.name] = self._sandbox.keep(f"{SETUP}_{hostile_run.name}")
        return True

    def _prepare(self, body: Sequence[Statement]) -> bool:
        """Write a part of the setup; return whether the schema can take it."""
        run = (
            self._sandbox.run_as_owner
            if self._sandbox.missing_privilege(body)
            else self._sandbox.session.run
        )
        outcome = run(body)
        if isinstance(outcome, Accepted):
            return True
        untaken = self._sandbox.misfits.told(outcome, "".join(each.script() for each in body))
        made_by = derived_values.maker(self._sandbox, outcome, body)
        other = made_by.name if made_by else another_object(outcome)
        untaken = untaken or _because_of(other, outcome)
        if isinstance(outcome, Rejected) and not untaken:
            expected = "accepted: it is legal"
            raise self._finding(
                _rule(outcome), Verdict.OVERBLOCKED, expected, str(outcome), ACCEPTED
            )
        table = outcome.table if isinstance(outcome, Rejected) else ""
        self._note_gap(f"the start of a hostile run: {untaken or outcome}", about(table))
        return False

    def _note_gap(self, reason: str, rules: tuple[str, ...]) -> None:
        gaps = Gaps() if self.gaps is None else self.gaps
        gaps.note(reason, rules or (HOSTILE,))
        if self.gaps is None:
            gaps.settle()

    def _attack(self, attack: Attack) -> None:
        begin = "BEGIN" if attack.isolation == ISOLATION[0] else _begin(attack.isolation)
        sent: list[Statement] = []
        self._sandbox.session.send(Statement(begin))
        try:
            for part in attack.parts:
                if not self._carry_out(part, sent):
                    break
            else:
                outcome = self._send(COMMIT, sent)
                if isinstance(outcome, Accepted):
                    self._committed.append(_body(attack, sent))
                    self.tally.transactions["accepted"] += 1
                    self._expect_no_violation()
                    return
        finally:
            self._sandbox.session.send(Statement("ROLLBACK"))
        self.tally.transactions["refused"] += 1

    def _carry_out(self, part: Part, sent: list[Statement]) -> bool:
        """Send a part; return whether the transaction can go on."""
        mark = len(sent)
        if part.guarded:
            self._send(SAVEPOINT, sent)
        for step in part.steps:
            if not self._take(step, sent):
                if not part.guarded:
                    return False
                del sent[mark:]
                self._sandbox.session.send(BACK)
                return True
        if part.guarded:
            self._send(BACK if part.undone else RELEASE, sent)
        return True

    def _take(self, step: HostileStatement, sent: list[Statement]) -> bool:
        outcome = self._send(step.statement, sent)
        counter = self.tally.accepted if isinstance(outcome, Accepted) else self.tally.refused
        counter[step.kind] += 1
        return isinstance(outcome, Accepted)

    def _send(self, statement: Statement, sent: list[Statement]) -> Outcome:
        outcome = self._sandbox.session.send(statement)
        sent.append(statement)
        lack = self._sandbox.missing_privilege([statement])
        if isinstance(outcome, Accepted):
            if lack:
                self._committed.append(tuple(sent))
                raise self._finding(HOSTILE, Verdict.BROKEN, NO_RIGHT + lack, str(outcome), LEGAL)
            return outcome
        if isinstance(outcome, Inconclusive):
            self._committed.append(tuple(sent))
            expected = "an answer: nobody else writes"
            self._hung = self._finding(HOSTILE, Verdict.UNPROVEN, expected, str(outcome), LEGAL)
            raise self._hung
        fault = fault_of(outcome, statement)
        if not fault and not lack and _is_denied(outcome):
            fault = "a right that our role has"
        untaken = self._sandbox.misfits.told(outcome, statement.script()) if fault else ""
        if untaken:
            self._note_gap(f"a statement: {untaken}", about_sql(statement.sql))
        elif fault:
            self._committed.append(tuple(sent))
            raise self._finding(HOSTILE, Verdict.UNNAMED, fault, str(outcome), LEGAL)
        self.tally.named[outcome.constraint or outcome.sqlstate] += 1
        return outcome

    def _expect_no_violation(self) -> None:
        broken = self._sandbox.new_violations()
        for rule, keys in broken.items():
            expected = f"no row that breaks it: {RULES[rule].statement}"
            observed = f"its violation query returns {keys[:5]}"
            raise self._finding(rule, Verdict.BROKEN, expected, observed, LEGAL)

    def _finding(
        self, rule: str, verdict: Verdict, expected: str, observed: str, expect: str
    ) -> Finding:
        script = "".join(
            "BEGIN;\n" + "".join(each.script() for each in body) + "COMMIT;\n\n"
            for body in self._committed
        )
        *way, last = self._committed
        return Finding(
            rule,
            verdict,
            expected=expected,
            observed=observed,
            script=script,
            steps=(*map(Step, way), Step(last, expect)),
        )


def _begin(isolation: str) -> str:
    return f"BEGIN ISOLATION LEVEL {isolation}"


def _body(attack: Attack, sent: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return what was sent between BEGIN and COMMIT, and did not fail."""
    level = (Statement(f"SET TRANSACTION ISOLATION LEVEL {attack.isolation}"),)
    return (*(level if attack.isolation != ISOLATION[0] else ()), *sent[:-1])


def _because_of(other: str, outcome: Outcome) -> str:
    return f"because of {other}: {outcome}" if other else ""


def _is_denied(outcome: Outcome) -> bool:
    return isinstance(outcome, Rejected) and outcome.sqlstate == PRIVILEGE


def _rule(rejected: Rejected) -> str:
    return next((each.id for each in RULES.values() if each.token == rejected.token), HOSTILE)
