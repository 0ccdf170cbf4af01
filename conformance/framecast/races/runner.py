"""Runner of one test's races: all orders of a known race, some of one that was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases.gaps import Gaps, about, about_all
from conformance.engine.races.orders import every, following, is_of, switches
from conformance.engine.sql.writes import Delete, Insert, Update
from conformance.framecast.operations.left_out import LeftOut
from conformance.framecast.races.explorer import Limits
from conformance.framecast.races.harness import Harness, IllegalStartError, Log
from conformance.framecast.races.rendering import timeline
from conformance.framecast.races.schedule import Level
from conformance.framecast.races.shortening import fails, shortest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.cases.verdicts import Finding
    from conformance.engine.races.driver import Choose
    from conformance.engine.races.trace import Trace
    from conformance.framecast.known_races import KnownRace
    from conformance.framecast.operations import Step
    from conformance.framecast.races.schedule import Race

TABLED = Insert | Update | Delete


class RaceRunner:
    """Runs races in a harness; `log` has what this test saw, `failed` the race that failed last.

    `gaps` are what could not be tried of drawn races: who draws them settles these at the end.
    """

    def __init__(self, harness: Harness, gaps: Gaps | None = None) -> None:
        """Begin a log; without gaps to note them in, end where something cannot be tried."""
        self.log = harness.log = Log()
        harness.failed = None  # of the test before
        self._noted = Gaps() if gaps is None else gaps
        self.gaps = gaps
        self._harness = harness
        self._left_out = LeftOut()
        self._hung: Finding | None = None

    @property
    def failed(self) -> tuple[Race, Trace] | None:
        """The race that failed last, and what happened in it."""
        return self._harness.failed

    @property
    def limits(self) -> Limits:
        """Return what the schema lacks, so that it is not drawn, and is noted."""
        return Limits(self._harness.inventory.lack, self._skip, self._left_out.keep)

    def _skip(self, step: Step, lack: tuple[str, str]) -> None:
        self._left_out.skip(step, self._harness.inventory.told(lack), about(*lack))

    def settle(self) -> None:
        """End drawn races that found nothing worse than what could not be tried.

        Raises:
            Finding: Some operation or start could not be tried.
        """
        self._left_out.note(self._noted)
        self._noted.settle()

    def run_all(self, known_race: KnownRace) -> None:
        """Run a known race in all its orders, at each level.

        A race in which somebody waits until a timeout is not run again: that takes seconds each
        time.

        Raises:
            Finding: What failed in the order with the fewest switches, at the lowest level; or what
                could not be tried.
        """
        gaps = self._harness.gaps = Gaps()
        race = known_race.race()
        try:
            for level in Level:
                at_level = race.at(level)
                times = known_race.times if level is Level.READ_COMMITTED else 1
                found = [each for _ in range(times) for each in self._found(at_level, known_race)]
                if found:
                    _, order, finding = min(found, key=lambda each: each[:2])
                    again = fails(finding, (at_level, order), self._harness, known_race.rules)
                    raise again or finding
        except _HangError as hang:
            raise hang.finding from None
        except IllegalStartError as error:
            gaps.note(str(error), known_race.rules, error.script)
        gaps.settle()

    def _found(
        self, race: Race, known_race: KnownRace
    ) -> list[tuple[int, tuple[int, ...], Finding]]:
        """Run all orders of a race; return what failed, with its switches and its order."""
        found: list[tuple[int, tuple[int, ...], Finding]] = []

        def run(choose: Choose) -> Trace:
            trace, finding = self._harness.judged(race, choose, known_race.rules)
            if is_of(trace, race.in_turns()):  # as `explain` draws it
                drawn = timeline(race, trace)
                self.log.timelines.setdefault(known_race.name, drawn)
            if finding is not None:
                found.append((switches(trace.order), trace.order, finding))
                if trace.hung:
                    raise _HangError(min(found, key=lambda each: each[:2])[-1])
            return trace

        for _ in every(run):
            pass
        return found

    def run_some(self, race: Race, orders: Sequence[tuple[int, ...]], theme: str) -> None:
        """Run a race in some orders.

        Raises:
            Finding: What failed, in the smallest race that fails alike.
        """
        if self._hung is not None:
            raise self._hung
        self._harness.gaps = self._noted
        try:
            for order in dict.fromkeys(orders):
                trace, finding = self._harness.judged(race, following(order), (theme,))
                if finding is not None and trace.hung:
                    self._hung = finding
                    raise finding
                if finding is not None:
                    raise shortest(finding, race, order, self._harness) from None
        except IllegalStartError as error:
            tables = {write.table for write in race.start.writes if isinstance(write, TABLED)}
            self._noted.note(
                str(error), error.rules or about_all((table, "") for table in sorted(tables))
            )
        if self.gaps is None:
            self._noted.settle()


class _HangError(Exception):
    """Ends the orders of a race in which somebody waited until a timeout."""

    def __init__(self, finding: Finding) -> None:
        """Keep what failed."""
        super().__init__(finding)
        self.finding = finding
