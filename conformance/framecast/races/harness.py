"""Where races are run: a database that is brought back to the start, sessions, and the judge."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from conformance.engine.cases import derived_values
from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.gaps import Gaps, about, about_all
from conformance.engine.catalogue.inventory import Inventory, is_foreign
from conformance.engine.catalogue.misfits import another_object
from conformance.engine.database.session import TIMEOUTS
from conformance.engine.domain.chosen import RULES
from conformance.engine.races.driver import Driver
from conformance.engine.races.orders import following
from conformance.engine.sql.outcomes import Accepted, Inconclusive, Rejected
from conformance.engine.sql.writes import Statement, statements
from conformance.framecast.machines.visible_rows import Rows
from conformance.framecast.races import rendering, serializability
from conformance.framecast.races.schedule import Reader, aimed

if TYPE_CHECKING:
    from types import TracebackType

    from conformance.engine.cases.verdicts import Finding
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.races.driver import Choose
    from conformance.engine.races.trace import Trace
    from conformance.engine.report.form import Timeline
    from conformance.engine.sql.writes import Write
    from conformance.framecast.races.schedule import Race, Start


# How often the server is asked whether it sees a deadlock.
CONFIRMATIONS = 5


class IllegalStartError(Exception):
    """The schema refuses what there should be before a race, in whatever order it is written."""

    def __init__(self, message: str = "", script: str = "", rules: tuple[str, ...] = ()) -> None:
        """Say which start, who refused it, what was written, and of which rules that says nothing.

        Those are all that it is about, where none are given.
        """
        super().__init__(message)
        self.script = script
        self.rules = rules


@dataclass(slots=True)
class Log:
    """Counts by rule, level and outcome; schedules, those that the model judged, seconds.

    `timelines` are of known races, by their names, with the sessions taking turns.

    A transaction counts under each rule that its race is about.
    """

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    schedules: int = 0
    judged: int = 0
    seconds: float = 0.0
    timelines: dict[str, Timeline] = field(default_factory=dict)


class Harness:
    """A sandbox on which several sessions race.

    `gaps` are what could not be tried, `inventory` is what the schema has.
    """

    def __init__(self, sandbox: Sandbox, conninfo: str) -> None:
        """Connect the sessions."""
        self.log = Log()
        self.failed: tuple[Race, Trace] | None = None
        self._sandbox = sandbox
        self._conninfo = conninfo
        self._driver = Driver(conninfo)
        self._rows = Rows(sandbox.owner, "shown")
        self.gaps = Gaps()
        self.inventory = Inventory.of(sandbox.owner)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._rows.close()
        self._driver.__exit__(kind, error, trace)

    def run(self, race: Race, choose: Choose, about: tuple[str, ...] = ()) -> Trace:
        """Run a race from its start, in the order that is chosen, and judge it.

        Args:
            race: what is to be done.
            choose: which of some sessions goes on.
            about: the rules under which its outcomes count.

        Raises:
            Finding: Its end is one that no serial order has, or breaks a rule.
            IllegalStartError: There is no such start.
        """
        trace, finding = self.judged(race, choose, about)
        if finding is not None:
            raise finding
        return trace

    def judged(
        self, race: Race, choose: Choose, about: tuple[str, ...] = ()
    ) -> tuple[Trace, Finding | None]:
        """Do what `run` does, and return what it raises; raises IllegalStartError."""
        begun = time.perf_counter()
        trace, finding = self._run(self._driver, race, choose, about)
        if finding is not None and finding.rule == serializability.LOCKS and trace.deadlocked:
            finding = self._confirmed(race, trace, finding)
        elif trace.hung:
            # Someone who is only slow is given more time, once.
            with Driver(self._conninfo, limits=TIMEOUTS) as slow:
                trace, finding = self._run(slow, race, following(trace.order), about)
        self._note(race, trace, about)
        self.log.seconds += time.perf_counter() - begun
        if finding is not None:
            finding = rendering.told(finding, race, trace)
            self.failed = race, trace
        return trace, finding

    def lacks(self, write: Write) -> bool:
        """Return whether the schema lacks what a write needs."""
        return self.inventory.lack(write) != ("", "")

    def _run(
        self, driver: Driver, race: Race, choose: Choose, about: tuple[str, ...] = ()
    ) -> tuple[Trace, Finding | None]:
        self._begin(race.start)
        race = aimed(race, self._sandbox.arbiters)
        trace = driver.run([each.script for each in race.sessions], choose)
        broken = self._sandbox.new_violations() if trace.committed else {}
        shown = self._rows.read(self._sandbox.changed) if trace.committed else {}
        untaken = self._note_gaps(race, trace, about)
        without = self._rows.without
        explained = None if untaken else serializability.explained(race, trace, shown, without)
        self.log.judged += explained is not None
        faults = serializability.faults(
            *(race, trace, broken, shown),
            explained=explained,
            events=self._events(race),
            about=about,
            without=without,
            untaken=untaken,
        )
        return trace, next(faults, None)

    def _note_gaps(self, race: Race, trace: Trace, about: tuple[str, ...]) -> frozenset[int]:
        """Note what could not be tried, or cannot be judged; return whose statements it was."""
        rules = [rule for rule in about if rule in RULES]
        for rule in rules:
            if rule in self._sandbox.unreadable:
                self.gaps.note(
                    f"the violation query fails: {self._sandbox.unreadable[rule]}", [rule]
                )
        if trace.committed:
            self._rows.note(self._sandbox.changed, self.gaps, frozenset(rules) if rules else None)
        untaken: set[int] = set()
        types = frozenset[str]().union(*(RULES[rule].types for rule in rules))
        for place, outcome in trace.outcomes.items():
            sql = "".join(f"{text};\n" for _, text in trace.scripts[place])
            reason = self._sandbox.misfits.told(outcome, sql, types)
            reason = reason or self._innocent(race, trace, place)
            if reason:
                session = race.transactions[place]
                step = trace.scripts[place][trace.reached[place]][0]
                told = f"{session.name!r} cannot {step.partition(':')[0]}: {reason}"
                writes = [write for action in session.actions for write in action.writes]
                self.gaps.note(told, rules or about_all(map(self.inventory.lack, writes)))
                untaken.add(place)
        return frozenset(untaken)

    def _innocent(self, race: Race, trace: Trace, place: int) -> str:
        """Say what refused a transaction, if no rule of its name is to blame; or ''."""
        outcome = trace.outcomes[place]
        if not (another_object(outcome) or derived_values.is_possible(outcome)):
            return ""
        orders = serializability.unexplained_refusal(race, trace, place)
        if orders is None:
            return ""
        reasons = frozenset[str]().union(*orders)
        other = self._sandbox.another_object(outcome, reasons)
        if not other:
            body = [Statement(each.sql) for each in race.transactions[place].actions]
            made_by = derived_values.maker(self._sandbox, outcome, body)
            other = made_by.name if made_by and (made_by.is_broken or not reasons) else ""
        return f"because of {other}: {outcome}" if other else ""

    def _confirmed(self, race: Race, trace: Trace, finding: Finding) -> Finding | None:
        """Return a deadlock that the server sees as well, when it is left to it."""
        with Driver(self._conninfo, patient=True) as patient:
            # Whom a commit sets free at once go on at once: now and then the other one is first.
            for _ in range(CONFIRMATIONS):
                again, _ = self._run(patient, race, following(trace.order))
                if again.deadlocked:
                    return finding
        return None

    def _begin(self, start: Start) -> None:
        copy = "race_" + start.name.replace(" ", "_")
        if self._sandbox.has_kept(copy):
            self._sandbox.bring_back(copy)
            return
        self._write(start)
        self._sandbox.new_violations()
        self._sandbox.keep(copy)

    def _write(self, start: Start) -> None:
        """Bring a start about, in the first order in which the schema accepts it."""
        refused: list[IllegalStartError] = []
        for writes in start.orders:
            self._sandbox.reset()
            body = [each for write in writes for each in statements(write)]
            outcome = self._sandbox.run_as_owner(body) if body else Accepted()
            if isinstance(outcome, Accepted):
                return
            because = self._sandbox.misfits.told(outcome, transaction_script(body))
            message = (
                f"the start {start.name!r}: {because}"
                if because
                else f"the start {start.name!r} is {outcome}"
            )
            rules: tuple[str, ...] = ()
            if isinstance(outcome, Rejected) and is_foreign(outcome):
                rules = about(outcome.table, outcome.column)
            refused.append(IllegalStartError(message, transaction_script(body), rules))
        raise refused[0]

    def _events(self, race: Race) -> dict[int, list[int]]:
        """Return the numbers of the events of the jobs that somebody followed."""
        found = {}
        for each in race.sessions:
            if isinstance(each, Reader):
                rows = self._sandbox.owner.fetch(each.script[0][1])
                found[each.job] = [int(str(number)) for (number,) in rows]
        return found

    def _note(self, race: Race, trace: Trace, about: tuple[str, ...]) -> None:
        self.log.schedules += 1
        for place, outcome in trace.outcomes.items():
            level = race.transactions[place].level
            word = "committed" if isinstance(outcome, Accepted) else "rejected"
            if isinstance(outcome, Inconclusive):
                word = outcome.sqlstate
            for rule in about:
                self.log.outcomes[rule, level, word] += 1
