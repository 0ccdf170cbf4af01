"""Phases that any domain has: what follows from its rules, and nothing that is written for one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from hypothesis import settings

from conformance.engine.cases.verdicts import Finding
from conformance.engine.derived import meeting_runner
from conformance.engine.derived.machine_runner import DerivedRunner
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.mutants.drawing import GENERATE, of_sandbox
from conformance.engine.mutants.parts import Part, Phase, connected, near_misses
from conformance.engine.races.driver import Driver
from conformance.engine.reading.enforced import about, idle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import psycopg

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.mutants.mutant import Mutant

# Examples along each path, up to which number: all paths are tried before one is tried again.
ROUNDS: Final = (1, 3, 10)
DEEP: Final = 60
OTHERS: Final = (1, 3)
MEETINGS: Final = 3  # of each rule, in all orders
RUNS, STEPS = 15, 20  # of the machine of each table


def own_rules(mutant: Mutant) -> Iterator[Part]:
    """Near misses of the rules that the object serves."""
    done = 0
    for upto in ROUNDS:
        yield from near_misses(mutant.rules, done, upto)
        done = upto


def rules_of_tables(mutant: Mutant) -> Iterator[Part]:
    """Near misses of the other rules that speak of the same tables; what names the column first."""
    name = mutant.thing.rpartition(".")[2]
    others = [
        rule
        for rule in RULES.values()
        if rule.id not in mutant.rules and set(rule.tables) & set(mutant.tables)
    ]
    others.sort(key=lambda rule: name not in rule.violations)
    done = 0
    for upto in OTHERS:
        yield from near_misses([rule.id for rule in others], done, upto)
        done = upto


def deeper(mutant: Mutant) -> Iterator[Part]:
    """Many more near misses of the rules that the object serves."""
    yield from near_misses(mutant.rules, ROUNDS[-1], DEEP)


def every_rule(mutant: Mutant) -> Iterator[Part]:
    """Near misses of all rules that have not been tried."""
    far = [
        rule.id
        for rule in RULES.values()
        if rule.id not in mutant.rules and not set(rule.tables) & set(mutant.tables)
    ]
    yield from near_misses(far, 0, 1)


def enforcement(_mutant: Mutant) -> Iterator[Part]:
    """Constraints that do not hold for every row."""
    yield Part("constraints hold for every row", _enforced, connected)


def meetings(mutant: Mutant) -> Iterator[Part]:
    """Two sessions at the rules of the object, then at the others of its tables."""
    met = domain().meetings()
    own = [rule for rule in met if rule in mutant.rules]
    near = [rule for rule in met if rule not in own and {*RULES[rule].tables} & {*mutant.tables}]
    for rule in (*own, *near):
        yield Part(f"two sessions at {rule}", partial(_meet, rule))


def machine_runs(mutant: Mutant) -> Iterator[Part]:
    """Runs of the machines of the object's tables."""
    for table in sorted(mutant.tables):
        yield Part(f"runs on {table}", partial(_walk, table))


PHASES: Final = (
    Phase("enforcement", enforcement),
    Phase("rules", own_rules),
    Phase("tables", rules_of_tables),
    Phase("meetings", meetings),
    Phase("machine runs", machine_runs),
    Phase("deeper", deeper),
    Phase("every rule", every_rule),
)


def _enforced(connection: psycopg.Connection[Any]) -> None:
    found = idle(connection)
    for rule in RULES.values():
        for each in about(rule, found):
            expected = "a constraint that holds for every row"
            raise Finding(
                rule.id, each.verdict, expected=expected, observed=str(each), script="", steps=()
            )


def _meet(rule: str, sandbox: Sandbox) -> None:
    strategy = domain().meetings()[rule].on(sandbox.owner)
    some = of_sandbox(sandbox, ("meetings", rule), lambda: strategy, MEETINGS)
    with Driver(sandbox.conninfo, sessions=2) as driver:
        for meeting in some:
            meeting_runner.run(sandbox, driver, RULES[rule], meeting)


def _walk(table: str, sandbox: Sandbox) -> None:
    facts = domain().facts
    if facts is not None:
        how = settings(GENERATE, max_examples=RUNS, stateful_step_count=STEPS)
        DerivedRunner(sandbox, table).run(table, facts, how, short=False)
