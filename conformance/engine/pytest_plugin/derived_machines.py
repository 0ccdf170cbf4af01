"""Machines that follow from a schema: their fixture, and what the summary says of their runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from conformance.engine.machines.matrices import matrices, rule_of
from conformance.engine.report import sections

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.derived.machine_runner import DerivedRunner

RUNNER = pytest.StashKey["DerivedRunner"]()
PROPERTY = "runs of a schema"


@pytest.fixture
def derived_runner(
    request: pytest.FixtureRequest, sandbox: Sandbox, own_seed: int
) -> DerivedRunner:
    """Return the runner of a test's machine."""
    from conformance.engine.derived.machine_runner import DerivedRunner

    runner = DerivedRunner(sandbox, own_seed)
    request.node.stash[RUNNER] = runner
    return runner


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
        counts = {
            "edges": log.edges,
            "operations": log.operations,
            "taken": log.taken,
            "unjudged": log.unjudged,
        }
        seen = {name: dict(count) for name, count in counts.items()}
        outcome.user_properties.append((PROPERTY, {**seen, "seconds": log.seconds}))
    return outcome


class _Sum:
    """Adds up what all workers saw."""

    title = "machines"

    def __init__(self, moves: dict[str, dict[str, int]]) -> None:
        self._moves = moves
        self._counts: dict[str, Counter[str]] = {}
        self._seconds = 0.0

    def note(self, report: pytest.TestReport) -> None:
        """Add what one test saw."""
        for seen in sections.carried(report, PROPERTY):
            self._seconds += seen.pop("seconds")
            for name, counts in seen.items():
                self._counts.setdefault(name, Counter()).update(counts)
            for edge, count in seen["edges"].items():
                name, _, move = edge.partition(" ")
                if ">" in move:
                    of_rule = self._moves.setdefault(rule_of(name), {})
                    of_rule[move] = of_rule.get(move, 0) + count

    def brief(self) -> Iterator[str]:
        """Say how much was done, how fast, and what could not be judged."""
        if self._counts:
            done, taken = self._counts["operations"], self._counts["taken"]
            rate = done.total() / self._seconds if self._seconds else 0.0
            yield (
                f"{done.total()} operations of {len(done)} kinds, {taken.total()} accepted;"
                f" {self._counts['unjudged'].total()} refusals not judged;"
                f" {rate:.0f} a second and worker"
            )

    def lines(self) -> Iterator[str]:
        """Return the matrices, what was never accepted, and why refusals were not judged."""
        if not self._counts:
            return
        yield from matrices(self._counts["edges"])
        never = sorted(self._counts["operations"].keys() - self._counts["taken"].keys())
        if never:
            yield f"never accepted: {', '.join(never)}"
        for why, count in self._counts["unjudged"].most_common():
            yield f"not judged, {count} refused: {why}"

    def missed(self) -> list[str]:
        """Return nothing: a machine that saw too little is a finding of its own test."""
        return []
