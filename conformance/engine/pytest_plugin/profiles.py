"""Profiles of Hypothesis: ``quick``, ``default`` and ``thorough``.

Every setting that Hypothesis would otherwise take from its surroundings is spelled out. Where the
variable CI is set it loads a profile of its own, without randomness and without a database of
examples, and a profile that names no parent inherits from it: a deep run every night would then
try the same examples for ever.

No profile has a database of examples: what a test draws follows from the run's seed and the test's
name, and from nothing that an earlier run has left. What has failed once is kept as regressions.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, Verbosity, is_hypothesis_test, seed, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

EXAMPLES = {"quick": 2, "default": 10, "thorough": 300}
# Runs of each machine, and operations in each: a run costs as much as a hundred rows.
MACHINES = {"quick": 1, "default": 50, "thorough": 1000}
RUN = 20
# Runs of the machine of each table, where machines follow from a schema: it may have many tables.
MACHINES_OF_TABLES = {"quick": 1, "default": 15, "thorough": 300}
# Hostile runs on each table: Hypothesis spends five of six on what it has tried, with one part
# changed.
HOSTILE_RUNS = {"quick": 3, "default": 100, "thorough": 3000}
# Races that are drawn, of each theme with each of its starts; each is run in a few orders.
RACES = {"quick": 2, "default": 20, "thorough": 1500}
# Meetings of two sessions, of each rule; each is run in every order at every level.
MEETINGS = {"quick": 2, "default": 4, "thorough": 100}
SETTINGS = "_hypothesis_internal_use_settings"
# How fast rows are drawn says how busy a machine is, and nothing of a rule. That what is drawn is
# kept from one example to the next is meant: fixtures hold databases, and counts that grow.
UNCHECKED = (HealthCheck.too_slow,)
UNCHECKED_WITH_FIXTURES = (*UNCHECKED, HealthCheck.function_scoped_fixture)
# All but `explain`, which runs a failure dozens of times more to comment on it.
PHASES = (Phase.explicit, Phase.generate, Phase.target, Phase.shrink)


def register() -> None:
    """Register all profiles, and load ``default``; before anything looks at settings."""
    neutral = settings.get_profile("default")
    for name, examples in EXAMPLES.items():
        settings.register_profile(
            name,
            parent=neutral,
            max_examples=examples,
            backend="hypothesis",
            database=None,
            deadline=None,  # says nothing about steps that wait for a database
            derandomize=False,
            phases=PHASES,
            print_blob=False,
            report_multiple_bugs=False,
            stateful_step_count=30,
            suppress_health_check=UNCHECKED,
            verbosity=Verbosity.normal,
        )
    settings.load_profile("default")


def machines() -> settings:
    """Return how the current profile runs a state machine."""
    return _of_runs(MACHINES)


def machines_of_tables() -> settings:
    """Return how the current profile runs a machine that follows from a schema."""
    return _of_runs(MACHINES_OF_TABLES)


def _of_runs(counts: Mapping[str, int]) -> settings:
    known = counts.get(settings.get_current_profile_name(), settings().max_examples)
    return settings(max_examples=known, stateful_step_count=RUN)


def hostile_runs() -> settings:
    """Return how the current profile runs hostile runs."""
    return settings(
        max_examples=HOSTILE_RUNS.get(settings.get_current_profile_name(), settings().max_examples),
        suppress_health_check=UNCHECKED_WITH_FIXTURES,
    )


def races() -> settings:
    """Return how the current profile draws races."""
    return _of_sessions(RACES)


def meetings() -> settings:
    """Return how the current profile draws meetings of two sessions."""
    return _of_sessions(MEETINGS)


def _of_sessions(counts: Mapping[str, int]) -> settings:
    return settings(
        max_examples=counts.get(settings.get_current_profile_name(), settings().max_examples),
        # Races are made smaller by what they mean, and not by Hypothesis.
        phases=tuple(phase for phase in PHASES if phase is not Phase.shrink),
        suppress_health_check=UNCHECKED_WITH_FIXTURES,
    )


def new_seed() -> int:
    """Return a seed for a run; whoever gives it to Hypothesis again gets the same examples."""
    return secrets.randbits(32)


def seed_of(given: int | str) -> int:
    """Return a seed that was given as text as Hypothesis takes it.

    The text of a number draws other examples than the number.

    Raises:
        ValueError: It is no whole number.
    """
    return int(given)


def seed_of_test(run: int | str, item: pytest.Item) -> int:
    """Return the seed of one test of a run, which no other test shares.

    It follows from the run's seed and the test's file and name: from wherever it is run, and
    whatever runs beside it.
    """
    name = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
    return int.from_bytes(sha256(f"{run!r} {name}".encode()).digest()[:8])


def sow(item: pytest.Item, run: int | str) -> None:
    """Give a Hypothesis test its seed, just before it runs.

    Tests that differ by their parameters alone are one function, and take turns with it.
    """
    test: Any = getattr(item, "obj", None)
    if is_hypothesis_test(test):
        function = getattr(test, "__func__", test)
        before = getattr(function, SETTINGS)
        seed(seed_of_test(run, item))(function)
        if before.database is not None:  # which a seed takes away, and somebody has asked for
            setattr(function, SETTINGS, before)
