"""Races in a run: who runs them, where failures go, and what the summary says of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from conformance.engine.cases.verdicts import Finding
from conformance.engine.report import sections

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.postgres.scratch import Database
    from conformance.framecast.races.harness import Harness
    from conformance.framecast.races.runner import RaceRunner

RACE_RUNNER = pytest.StashKey["RaceRunner"]()
PROPERTY = "races"
LEVELS = ("read committed", "repeatable read", "serializable")
WORDS = ("committed", "rejected", "40001", "40P01")


@pytest.fixture(scope="session")
def harness(sandbox: Sandbox, database: Database) -> Iterator[Harness]:
    """This worker's database, with sessions that race on it."""
    from conformance.framecast.races.harness import Harness

    with Harness(sandbox, database.conninfo) as harness:
        yield harness


@pytest.fixture
def race_runner(request: pytest.FixtureRequest, harness: Harness) -> RaceRunner:
    """Return who runs a test's races: one for all examples."""
    from conformance.engine.cases.gaps import Gaps
    from conformance.framecast.races.runner import RaceRunner

    stash: pytest.Stash = request.node.stash
    if RACE_RUNNER not in stash:
        stash[RACE_RUNNER] = RaceRunner(harness, Gaps())
    return stash[RACE_RUNNER]


def pytest_configure(config: pytest.Config) -> None:
    """Add up what is seen, here or by all workers."""
    levels = config.stash.setdefault(sections.LEVELS, {})
    sections.add(config, _Sum(levels, config.stash.setdefault(sections.TIMELINES, {})))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """End a test that found nothing worse with what it could not try."""
    called = yield
    race_runner = pyfuncitem.stash.get(RACE_RUNNER, None)
    if race_runner is not None and race_runner.gaps is not None:
        race_runner.settle()
    return called


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send what was counted along with the test's report; save a race that failed."""
    outcome = yield
    race_runner = item.stash.get(RACE_RUNNER, None)
    if call.when != "call" or race_runner is None:
        return outcome
    log = race_runner.log
    outcome.user_properties.append(
        (
            PROPERTY,
            {
                "outcomes": [[*map(str, key), count] for key, count in log.outcomes.items()],
                "schedules": log.schedules,
                "judged": log.judged,
                "seconds": log.seconds,
                "timelines": log.timelines,
            },
        )
    )
    if sections.ADDED_UP in item.config.stash:
        outcome.user_properties.append((sections.TALLY, {"schedules": log.schedules}))
    finding = call.excinfo.value if call.excinfo is not None else None
    if isinstance(finding, Finding) and race_runner.failed is not None:
        outcome.longrepr = f"{outcome.longrepr}\nsaved: {_save(finding, race_runner, item.config)}"
    return outcome


def _save(finding: Finding, race_runner: RaceRunner, config: pytest.Config) -> str:
    """Save a race that failed as scripts; return where, or why not."""
    from conformance.framecast.races import rendering

    if race_runner.failed is None:
        return "nowhere, there was no race"
    name = rendering.name_of(finding.rule, *race_runner.failed)
    folder = config.invocation_params.dir / rendering.SAVED / name  # as findings are
    try:
        rendering.save(*race_runner.failed, folder)
    except OSError as error:  # a folder that has become full or is gone loses no verdict
        return f"nowhere, {error}"
    return f"{rendering.SAVED}/{name}"


class _Sum:
    """Adds up what all workers saw."""

    title = "races"

    def __init__(
        self, levels: dict[str, dict[str, dict[str, int]]], timelines: dict[str, Any]
    ) -> None:
        self._levels, self._timelines = levels, timelines  # for the report
        self._outcomes: Counter[tuple[str, str, str]] = Counter()
        self._schedules = self._judged = 0
        self._seconds = 0.0

    def note(self, report: pytest.TestReport) -> None:
        """Add what one test saw."""
        for seen in sections.carried(report, PROPERTY):
            for rule, level, word, count in seen["outcomes"]:
                self._outcomes[rule, level, word] += count
                counts = self._levels.setdefault(rule, {}).setdefault(level, {})
                counts[word] = counts.get(word, 0) + count
            self._timelines.update(seen["timelines"])
            self._schedules += seen["schedules"]
            self._judged += seen["judged"]
            self._seconds += seen["seconds"]

    def brief(self) -> Iterator[str]:
        """Say how many schedules there were, and how fast that went."""
        if self._schedules:
            rate = self._schedules / self._seconds if self._seconds else 0.0
            yield (
                f"{self._schedules} schedules, {self._judged} of them judged by the model too;"
                f" {rate:.0f} a second and worker"
            )

    def lines(self) -> Iterator[str]:
        """Return a line for each rule and theme: what became of transactions at each level."""
        if not self._schedules:
            return
        columns = "/".join(WORDS)
        yield f"{columns}, other, at {', '.join(LEVELS)}"
        for rule in dict.fromkeys(rule for rule, _, _ in self._outcomes):
            yield f"{rule:<32}" + "".join(f"  {self._counts(rule, level):>20}" for level in LEVELS)

    def missed(self) -> list[str]:
        """Return nothing: every known race is a test of its own."""
        return []

    def _counts(self, rule: str, level: str) -> str:
        counts = [self._outcomes[rule, level, word] for word in WORDS]
        every = sum(n for key, n in self._outcomes.items() if key[:2] == (rule, level))
        counts.append(every - sum(counts))
        return "/".join(map(str, counts))
