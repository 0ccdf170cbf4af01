"""Verdicts on the rules of a small domain, in this process: what planted faults change of them."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.scenario import OnSchema, Scenario
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.domain.domain import Domain
from conformance.engine.sql.writes import Path as Way
from examples.fault import Fault

T = TypeVar("T")

# By which rules are tried that a fault should not touch.
FEW = {Way.INSERT, Way.UPDATE, Way.DELETE}


def grouped(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Return faults by schemas to plant them in, in none of which two are of one rule."""
    groups: list[list[Fault]] = []
    for fault in faults:
        free = [
            each
            for each in groups
            if not any(one.verdicts.keys() & fault.verdicts.keys() for one in each)
        ]
        if free:
            free[0].append(fault)
        else:
            groups.append([fault])
    return groups


def plant(fault: Fault, folder: Path) -> None:
    """Edit the one migration that holds the text of a fault."""
    texts = {path: path.read_text() for path in folder.iterdir()}
    ((path, text),) = [each for each in texts.items() if fault.old in each[1]]
    assert 1 == text.count(fault.old)
    path.write_text(text.replace(fault.old, fault.new))


def verdicts(
    domain: Domain, sandbox: Sandbox, suspects: set[str], times: int = 6
) -> dict[str, str]:
    """Return the worst verdicts on rules that are not held.

    Args:
        domain: whose rules.
        sandbox: a database of its schema.
        suspects: the rules that are tried along every path; the others along a few, once.
        times: how often each path of a suspect is tried.
    """
    found: dict[str, Verdict] = {}
    order = list(Verdict)
    for rule, ways in domain.ways().items():
        for path, way in ways.items():
            if isinstance(way, str) or (rule not in suspects and path not in FEW):
                continue
            runner = CaseRunner(sandbox, domain.rules[rule], path)
            scenarios = way.on(sandbox.owner) if isinstance(way, OnSchema) else way
            for scenario in drawn(scenarios, times if rule in suspects else 1):
                for each in _met(runner, scenario):
                    worst = min(each.verdict, found.get(each.rule, Verdict.HELD), key=order.index)
                    found[each.rule] = worst
    return {rule: str(verdict) for rule, verdict in found.items()}


def drawn(strategy: SearchStrategy[T], count: int) -> list[T]:
    """Draw a few scenarios, the same in every run."""
    some: list[T] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=tuple(HealthCheck),
    )
    @given(strategy)
    def collect(one: T) -> None:
        some.append(one)

    collect()
    return some


def _met(runner: CaseRunner, scenario: Scenario) -> list[Finding]:
    with suppress(Finding):
        runner.run(scenario)
    return list(runner.met)
