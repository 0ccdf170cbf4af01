"""Machines in a run: which edges they saw, what they found, and what the summary says of that.

What leads them is imported where a run is made: whoever only hands tests to others needs none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from conformance.engine.machines.matrices import matrices
from conformance.engine.report import sections

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.framecast.machines.runner import MachineRunner

RUNNER = pytest.StashKey["MachineRunner"]()
PROPERTY = "runs"


@pytest.fixture
def runner(request: pytest.FixtureRequest, sandbox: Sandbox, own_seed: int) -> MachineRunner:
    """Return the runner of a test's machine."""
    from conformance.framecast.machines.runner import MachineRunner

    stash: pytest.Stash = request.node.stash
    stash[RUNNER] = MachineRunner(sandbox, own_seed)
    return stash[RUNNER]


def pytest_configure(config: pytest.Config) -> None:
    """Add up what is seen, here or by all workers."""
    sections.add(config, _Sum(config.stash.setdefault(sections.MOVES, {})))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was seen along with the test's report."""
    outcome = yield
    runner = item.stash.get(RUNNER, None)
    if call.when == "call" and runner is not None:
        log = runner.log
        outcome.user_properties.append(
            (
                PROPERTY,
                {
                    "name": runner.name,
                    "edges": dict(log.edges),
                    "operations": dict(log.operations),
                    "steps": log.steps,
                    "accepted": log.accepted,
                    "seconds": log.seconds,
                    "done": log.archive.done if log.archive is not None else 0,
                    "curve": log.archive.curve() if log.archive is not None else [],
                },
            )
        )
        if sections.ADDED_UP in item.config.stash:
            seen = log.archive.digests() if log.archive is not None else []
            outcome.user_properties += [
                (sections.TALLY, {"operations": log.steps}),
                (sections.TRANSITIONS, seen),
            ]
    return outcome


class _Sum:
    """Adds up what all workers saw; a whole run that missed an edge fails."""

    title = "machines"

    def __init__(self, moves: dict[str, dict[str, int]]) -> None:
        self._moves = moves
        self._names: set[str] = set()
        self._edges: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._steps, self._accepted, self._seconds = 0, 0, 0.0
        self._curves: dict[str, tuple[int, list[int]]] = {}

    def note(self, report: pytest.TestReport) -> None:
        """Add what one test saw."""
        for seen in sections.carried(report, PROPERTY):
            self._names.add(seen["name"])
            self._edges.update(seen["edges"])
            for edge, count in seen["edges"].items():
                machine, _, move = edge.partition(" ")
                if ">" in move:
                    of_rule = self._moves.setdefault(f"STATE-{machine.upper()}", {})
                    of_rule[move] = of_rule.get(move, 0) + count
            self._operations.update(seen["operations"])
            self._steps += seen["steps"]
            self._accepted += seen["accepted"]
            self._seconds += seen["seconds"]
            if seen.get("done"):
                self._curves[seen["name"]] = seen["done"], seen["curve"]

    def brief(self) -> Iterator[str]:
        """Say how much was done, and how fast; of a part of the machines, what it did not see."""
        if not self._names:
            return
        rate = self._steps / self._seconds if self._seconds else 0.0
        yield (
            f"{self._steps} operations of {len(self._operations)} kinds,"
            f" {self._accepted} accepted; {rate:.0f} a second and worker"
        )

    def lines(self) -> Iterator[str]:
        """Return the matrices, the counts around caps, and what a part of the machines missed.

        Of each machine, also whether more time would show more.
        """
        if not self._names:
            return
        from conformance.framecast.machines import coverage, exploration
        from conformance.framecast.machines.runner import ALL

        yield from matrices(self._edges)
        unseen = coverage.unseen(self._edges)
        if unseen and not self._names >= ALL:
            yield f"unseen: {', '.join(unseen)} (not all machines ran)"
        for name, (done, curve) in sorted(self._curves.items()):
            yield exploration.told(name, done, curve)

    def missed(self) -> list[str]:
        """Return the edges that a run of all machines has not seen; the quickest may miss some."""
        if not self._names:
            return []
        from conformance.framecast.machines import coverage
        from conformance.framecast.machines.runner import ALL

        whole = self._names >= ALL and settings.get_current_profile_name() != "quick"
        unseen = coverage.unseen(self._edges) if whole else []
        return [f"unseen: {', '.join(unseen)}"] if unseen else []
