"""Run of a machine that is derived: what each transaction came to, judged without a model.

After each commit the violation queries tell what is broken. What was refused is tried on twins of
the tables that nothing guards: a refusal has to name a rule that would be broken there.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from conformance.engine.cases.attempt import Attempt
from conformance.engine.cases.gaps import MODEL
from conformance.engine.cases.refusals import culprit, names, rule_named, says_nothing
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.derived.shapes import carried, given_of
from conformance.engine.domain.chosen import RULES
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.transitions import Transitions
from conformance.engine.machines.matrices import caps, moves_of_rules, name_of
from conformance.engine.sql.names import quoted
from conformance.engine.sql.outcomes import Accepted, Rejected
from conformance.engine.sql.writes import Insert, Update, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from conformance.engine.cases.scenario import Transaction
    from conformance.engine.derived.twin import Foreseen, Twin
    from conformance.engine.derived.world import World
    from conformance.engine.sql.outcomes import Outcome
    from conformance.engine.sql.writes import Row, Write

    Record: TypeAlias = tuple[Transaction, ...]

DATA: Final = "22"  # SQLSTATEs of values that a type does not take
NULL: Final = "23502"


@dataclass(slots=True)
class Log:
    """Log of all runs of one machine.

    Attributes:
        edges: moves of states that were accepted, or refused in their rule's name.
        operations: how often each was done.
        taken: how often each was accepted.
        unjudged: why refusals could not be judged, with how often.
        steps, accepted: operations, and those that were accepted.
        seconds: how long it took.
        failed: the run that found something.
        archive: none: nothing leads these machines.
    """

    edges: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    accepted: int = 0
    seconds: float = 0.0
    failed: Record = ()
    archive: None = None


class DerivedRun:
    """One run: transactions on a database that was empty, and the rows that are there since."""

    def __init__(self, twin: Twin, world: World, log: Log) -> None:
        """Begin with an empty database.

        Args:
            twin: of its tables.
            world: makes legal rows; this lets it know of those that are there.
            log: of all runs.
        """
        self.world = world
        self._twin = twin
        self._log = log
        self._sandbox = twin.sandbox
        self._sandbox.reset()
        self._attempt = Attempt(self._sandbox, None)
        self._record: list[Transaction] = []

    def commit(self, writes: Sequence[Write], *does: str) -> bool:
        """Carry out writes in one transaction; return whether they were accepted.

        Args:
            writes: the writes.
            does: names of the operations that they are.

        Raises:
            Finding: A rule is broken, or what no rule forbids was refused.
        """
        writes = carried(self.world, writes)
        writes = (*given_of(self.world, self.world.given), *writes)
        self._record.append(writes)
        foreseen = None if self._twin.knows(writes) else self._twin.foresee(writes)
        outcome = self._attempt.transact([each for one in writes for each in statements(one)])
        accepted = isinstance(outcome, Accepted)
        self._log.operations.update(does)
        self._log.steps += len(does)
        if accepted:
            self._expect_none()
            if foreseen is not None:
                self._twin.learn(writes, foreseen)
            self._read(self._sandbox.changed)
            self._count(self._sandbox.changed)
            self._log.taken.update(does)
            self._log.accepted += len(does)
        else:
            self._judge(writes, outcome, foreseen or self._twin.foresee(writes))
            self._note_refused(writes, rule_named(outcome))
        return accepted

    @property
    def record(self) -> Record:
        """Steps that it took, for shortening."""
        return tuple(self._record)

    def _expect_none(self) -> None:
        for rule, keys in self._sandbox.new_violations().items():
            self._fail(
                rule,
                Verdict.BROKEN,
                f"no row that breaks it: {RULES[rule].statement}",
                f"its violation query returns {keys[:5]}",
            )

    def _judge(self, writes: Sequence[Write], outcome: Outcome, foreseen: Foreseen) -> None:
        """Compare a refusal with what the writes would have broken; raises as `commit`."""
        would = foreseen.at_end | foreseen.on_the_way
        if any(names(RULES[rule], outcome) for rule in would):
            return
        named = rule_named(outcome)
        why = self._why_not(writes, outcome, foreseen, named)
        if why:
            self._log.unjudged[why] += 1
            return
        broken = min(foreseen.at_end, key=[*RULES].index, default="")
        rule = broken or named or f"{MODEL} of {', '.join(sorted(_tables(writes)))}"
        self._fail(
            rule,
            Verdict.UNNAMED if broken else Verdict.OVERBLOCKED,
            f"rejected by {broken}" if broken else "accepted: its rows break no rule",
            str(outcome),
            culprit(outcome),
        )

    def _why_not(
        self, writes: Sequence[Write], outcome: Outcome, foreseen: Foreseen, named: str
    ) -> str:
        """Return why a refusal cannot be judged, or ''."""
        tables = ", ".join(sorted(_tables(writes)))
        failed, would = foreseen.failed, foreseen.at_end | foreseen.on_the_way
        of_none = not named and not would and isinstance(outcome, Rejected) and _is_object(outcome)
        reasons = (
            (says_nothing(outcome), str(outcome)),
            (failed, f"no table takes such values ({failed and culprit(failed)})"),
            (of_none, f"{culprit(outcome)} enforces no rule"),
            (not self._twin.knows(writes), f"triggers of {tables} may do more than refuse"),
            (named in self._twin.unasked, f"the query of {named} names its schema"),
            (foreseen.at_end and len(writes) > 1, "another statement breaks another rule"),
            (foreseen.at_end, ""),
            (foreseen.on_the_way, "a rule is broken between the statements"),
        )
        return next((why for is_so, why in reasons if is_so), "")

    def _fail(
        self, rule: str, verdict: Verdict, expected: str, observed: str, cause: str = ""
    ) -> NoReturn:
        self._attempt.note(
            verdict, expected=expected, observed=observed, cause=cause or "machine", rule=rule
        )
        self._log.failed = self.record
        raise self._attempt.met[-1]

    def _read(self, tables: Iterable[str]) -> None:
        """Let the world know the rows of tables, those that were written last at the end."""
        for table in sorted({*tables} & self.world.tables.keys()):
            known = self.world.tables[table]
            columns = ", ".join(f"{quoted(name)}::text" for name in known.columns)
            order = ", ".join(map(quoted, known.identity)) or "1"
            query = f"SELECT {columns} FROM public.{quoted(table)} ORDER BY {order}"
            found = self._sandbox.owner.fetch(query)
            now: list[Row] = [dict(zip(known.columns, row, strict=True)) for row in found]
            before = self.world.there[table]
            kept = [row for row in before if row in now]
            new = [row for row in now if row not in before]
            self._note_moves(table, before, new)
            self.world.there[table] = kept + new

    def _count(self, tables: Iterable[str]) -> None:
        """Note which caps a parent is at or just below."""
        for rule, cap in caps().items():
            if {*tables} & {*cap.tables}:
                counts = {row[0] for row in self._sandbox.owner.fetch(cap.full)}
                self._log.edges.update(f"{rule} {n}" for n in cap.near if n in counts)

    def _note_moves(self, table: str, before: Sequence[Row], new: Sequence[Row]) -> None:
        """Note the legal moves by which rows have come to their states."""
        for name, kind in moves_of_rules().items():
            if table != kind.table or not kind.column:
                continue
            for row in new:
                key = self.world.identity(table, row)
                was = next((each for each in before if key.items() <= each.items()), {})
                pair = was.get(kind.column), row[kind.column]
                if pair in kind.legal and (pair[0] != pair[1] or pair[0] in kind.again):
                    self._log.edges[f"{name} {pair[0] or 'new'}>{pair[1]}"] += 1

    def _note_refused(self, writes: Sequence[Write], rule: str) -> None:
        """Note the move, or the step over a cap, that one write asked for and a rule refused."""
        kind = RULES[rule].kind if rule in RULES else None
        match kind, writes:
            case AtMost(), _:
                self._log.edges[f"{rule} {kind.most + 1}"] += 1
            case Transitions(column=column), (Insert(_, (row,)),) if column in row:
                self._log.edges[f"{name_of(rule)} new>{row[column]}"] += 1
            case Transitions(column=column), (Update(_, _, changes, row),) if column in changes:
                before = None if row is None else row.get(column)
                self._log.edges[f"{name_of(rule)} {before}>{changes[column]}"] += 1


def _tables(writes: Iterable[Write]) -> set[str]:
    return {each.table for each in writes if hasattr(each, "table")}


def _is_object(refused: Rejected) -> bool:
    """Return whether a constraint, a column or a type refused."""
    return bool(refused.constraint) or refused.sqlstate == NULL or refused.sqlstate[:2] == DATA
