"""Parts of phases: what is tried on a mutant, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.scenario import OnSchema
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.mutants.drawing import drawn, of_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.sql.writes import Path

# Makes of a new clone, by how one connects to it, the place where parts are tried: a sandbox, or
# what else closes itself. Parts of one opener share a clone.
Opener: TypeAlias = "Callable[[str], AbstractContextManager[Any]]"

# A mutant may loop for ever, or wait for itself. What is tried takes milliseconds.
TIMEOUTS = "SET statement_timeout = '5s'; SET lock_timeout = '2s'"


def as_owner(conninfo: str) -> Sandbox:
    """Open a sandbox that writes as the owner."""
    return _limited(Sandbox(conninfo))


def connected(conninfo: str) -> psycopg.Connection[Any]:
    """Open a plain connection, for what is read and not tried."""
    return psycopg.connect(conninfo, autocommit=True)


def as_role(conninfo: str) -> Sandbox:
    """Open a sandbox that writes as the application's role."""
    return _limited(Sandbox(conninfo, domain().application))


def _limited(sandbox: Sandbox) -> Sandbox:
    sandbox.session.connection.execute(TIMEOUTS)
    return sandbox


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to try: a name that says it to people and to `control`, and how it is done.

    It is done on what its opener returns.
    """

    name: str
    run: Callable[[Any], None]
    opener: Opener = as_owner


@dataclass(frozen=True, slots=True)
class Phase:
    """A name, and the parts that are worth trying on a mutant, the likeliest first."""

    name: str
    parts: Callable[[Mutant], Iterator[Part]]


def near_misses(
    rules: Sequence[str], start: int, end: int, opener: Opener = as_owner
) -> Iterator[Part]:
    """Return the scenarios of rules along all their paths, from one number up to another."""
    for rule in rules:
        for path, ways in domain().ways().get(rule, {}).items():
            if not isinstance(ways, str):
                for number in range(start, end):
                    name = f"{RULES[rule].token}{path} {number + 1}"
                    name += f" as {domain().application}" if opener is as_role else ""
                    yield Part(name, partial(_try, rule, path, number, end), opener)


def _try(rule: str, path: Path, number: int, count: int, sandbox: Sandbox) -> None:
    ways = domain().ways()[rule][path]
    if isinstance(ways, str):  # `near_misses` takes no such
        return
    key = ("near misses", rule, path, count)
    if isinstance(ways, OnSchema):  # another mutant has another schema
        some = ways.on(sandbox.owner)
        scenarios = of_sandbox(sandbox, key, lambda: some, count)
    else:
        every = ways
        scenarios = drawn(key, lambda: every, count)
    if number < len(scenarios):
        CaseRunner(sandbox, RULES[rule], path).run(scenarios[number])
