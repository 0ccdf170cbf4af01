"""Where races are run: a database that is brought back to the start, sessions, and the judge."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from conformance.attempt import transaction_script
from conformance.model import view
from conformance.outcomes import Accepted, Inconclusive
from conformance.races import judge, telling
from conformance.races.driver import Driver
from conformance.races.orders import following
from conformance.races.schedule import Reader
from conformance.writes import statements

if TYPE_CHECKING:
    from types import TracebackType

    from conformance.lab import Lab
    from conformance.races.driver import Choose
    from conformance.races.schedule import Race, Start
    from conformance.races.trace import Trace
    from conformance.verdicts import Finding


# How often the server is asked whether it sees a deadlock.
CONFIRMATIONS = 5


class UnlawfulStartError(Exception):
    """The schema refuses what there should be before a race."""


@dataclass(slots=True)
class Log:
    """What was seen: by rule, level and outcome; schedules, those that the model judged, seconds.

    A transaction counts under each rule that its race is about.
    """

    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    schedules: int = 0
    judged: int = 0
    seconds: float = 0.0


class Arena:
    """A lab on which several sessions race."""

    def __init__(self, lab: Lab, conninfo: str) -> None:
        """Connect the sessions."""
        self.log = Log()
        self.failed: tuple[Race, Trace] | None = None
        self._lab = lab
        self._conninfo = conninfo
        self._driver = Driver(conninfo)
        for table in view.COLUMNS:
            lab.owner.connection.execute(f"PREPARE shown_{table} AS {view.query(table)}")

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
        self._lab.owner.connection.execute(";".join(f"DEALLOCATE shown_{t}" for t in view.COLUMNS))
        self._driver.__exit__(kind, error, trace)

    def run(self, race: Race, choose: Choose, about: tuple[str, ...] = ()) -> Trace:
        """Run a race from its start, in the order that is chosen, and judge it.

        Args:
            race: what is to be done.
            choose: which of some sessions goes on.
            about: the rules under which its outcomes count.

        Raises:
            Finding: Its end is one that no serial order has, or breaks a rule.
            UnlawfulStartError: There is no such start.
        """
        trace, finding = self.judged(race, choose, about)
        if finding is not None:
            raise finding
        return trace

    def judged(
        self, race: Race, choose: Choose, about: tuple[str, ...] = ()
    ) -> tuple[Trace, Finding | None]:
        """Do what `run` does, and return what it raises; raises UnlawfulStartError."""
        begun = time.perf_counter()
        trace, finding = self._run(self._driver, race, choose)
        if finding is not None and finding.rule == judge.LOCKS and trace.deadlocked:
            finding = self._confirmed(race, trace, finding)
        self._note(race, trace, about)
        self.log.seconds += time.perf_counter() - begun
        if finding is not None:
            finding = telling.told(finding, race, trace)
            self.failed = race, trace
        return trace, finding

    def _run(self, driver: Driver, race: Race, choose: Choose) -> tuple[Trace, Finding | None]:
        self._begin(race.start)
        trace = driver.run([each.script for each in race.sessions], choose)
        broken = self._lab.new_violations() if trace.committed else {}
        shown = self._shown() if trace.committed else {}
        explained = judge.explained(race, trace, shown)
        self.log.judged += explained is not None
        events = self._events(race)
        faults = judge.faults(race, trace, broken, shown, explained=explained, events=events)
        return trace, next(faults, None)

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
        if self._lab.has_kept(copy):
            self._lab.bring_back(copy)
            return
        self._lab.reset()
        body = [each for write in start.writes for each in statements(write)]
        outcome = self._lab.run_as_owner(body) if body else Accepted()
        if outcome != Accepted():
            message = f"{start.name}: {outcome}\n{transaction_script(body)}"
            raise UnlawfulStartError(message)
        self._lab.new_violations()
        self._lab.keep(copy)

    def _shown(self) -> dict[str, set[str]]:
        shown: dict[str, set[str]] = {
            table: set() for table in self._lab.changed if table in view.COLUMNS
        }
        if shown:
            queries = ";\n".join(f"EXECUTE shown_{table}" for table in shown)
            for table, row in self._lab.owner.fetch_all(queries):
                shown[str(table)].add(str(row))
        return shown

    def _events(self, race: Race) -> dict[int, list[int]]:
        """Return the numbers of the events of the jobs that somebody followed."""
        found = {}
        for each in race.sessions:
            if isinstance(each, Reader):
                rows = self._lab.owner.fetch(each.script[0][1])
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
