"""Who runs the races of one test: all orders of a classic, or some of a race that was drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.races.arena import Arena, Log
from conformance.races.orders import every, following, switches
from conformance.races.schedule import Level
from conformance.races.shortening import fails, shortest
from conformance.verdicts import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.races.classics import Classic
    from conformance.races.driver import Choose
    from conformance.races.schedule import Race
    from conformance.races.trace import Trace


class Racer:
    """Runs races in an arena; `log` has what this test saw, `failed` the race that failed last."""

    def __init__(self, arena: Arena) -> None:
        """Begin a log."""
        self.log = arena.log = Log()
        self._arena = arena

    @property
    def failed(self) -> tuple[Race, Trace] | None:
        """The race that failed last, and what happened in it."""
        return self._arena.failed

    def run_all(self, classic: Classic) -> None:
        """Run a classic in all its orders, at each level.

        Raises:
            Finding: What failed in the order with the fewest switches, at the lowest level.
        """
        race = classic.race()
        for level in Level:
            at_level = race.at(level)
            times = classic.times if level is Level.READ_COMMITTED else 1
            found = [each for _ in range(times) for each in self._found(at_level, classic)]
            if found:
                _, order, finding = min(found, key=lambda each: each[:2])
                raise fails(finding, (at_level, order), self._arena) or finding

    def _found(self, race: Race, classic: Classic) -> list[tuple[int, tuple[int, ...], Finding]]:
        """Run all orders of a race; return what failed, with its switches and its order."""
        found: list[tuple[int, tuple[int, ...], Finding]] = []

        def run(choose: Choose) -> Trace:
            trace, finding = self._arena.judged(race, choose, classic.rules)
            if finding is not None:
                found.append((switches(trace.order), trace.order, finding))
            return trace

        for _ in every(run):
            pass
        return found

    def run_some(self, race: Race, orders: Sequence[tuple[int, ...]], about: str) -> None:
        """Run a race in some orders.

        Raises:
            Finding: What failed, in the smallest race that fails alike.
        """
        for order in dict.fromkeys(orders):
            try:
                self._arena.run(race, following(order), (about,))
            except Finding as finding:
                raise shortest(finding, race, order, self._arena) from None
