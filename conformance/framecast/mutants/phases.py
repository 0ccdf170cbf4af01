"""Phases of trying a mutant: the cheapest first, and the nearest to what it changes.

A phase is made of parts. A part does something on a sandbox that is always the same, and raises a
Finding where the schema does not do what the rules ask. To add a phase, append it to `PHASES`.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path as File
from typing import TYPE_CHECKING

from hypothesis import seed, settings
from hypothesis.stateful import get_state_machine_test
from psycopg.conninfo import make_conninfo

from conformance.engine.cases.columns import hold
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import COLUMNS, RULES
from conformance.engine.mutants import reading
from conformance.engine.mutants.drawing import GENERATE, drawn
from conformance.engine.mutants.parts import Part, Phase
from conformance.engine.mutants.rule_phases import deeper, every_rule, own_rules, rules_of_tables
from conformance.engine.regressions import entries
from conformance.engine.regressions.entries import Status
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.machines.coverage_runs import COUNTS, PAIRS, every_count, every_pair
from conformance.framecast.machines.hostile import HostileRunner
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.machines.runner import MACHINES
from conformance.framecast.mutants import role
from conformance.framecast.races.conflicts import STARTS, asked_at_commit, ways
from conformance.framecast.races.conflicts import conflicts as conflicts_of
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.meetings import ENDINGS, Floor
from conformance.framecast.races.places import office, studio
from conformance.framecast.races.runner import RaceRunner
from conformance.framecast.races.strangers import Strangers
from strategies.facts import facts
from strategies.hostility import hostile_runs
from strategies.promises import promises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.cases.scenario import ColumnCase
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.mutants.mutant import Mutant
    from conformance.framecast.machines.machine import Machine

HOSTILE_RUNS = 40
RUNS, RUN = 10, 20
CORPUS = File(__file__).parents[2] / "corpus"


def columns(mutant: Mutant) -> Iterator[Part]:
    """Try the facts of the tables' columns beside the rules; the mutant's own column first."""
    name = mutant.thing.rpartition(".")[2]
    near = [case for case in facts() if set(case.tables) & set(mutant.tables)]
    near.sort(key=lambda case: (name not in case.name, not _is_named(case.name, name)))
    for case in near:
        yield Part(f"column {case.name}", partial(_hold, case))


def promised(mutant: Mutant) -> Iterator[Part]:
    """Try what this schema promises and the domain does not."""
    for case in promises():
        if set(case.tables) & set(mutant.tables):
            yield Part(f"promise {case.name}", partial(_hold, case))


def regressions(_mutant: Mutant) -> Iterator[Part]:
    """All that failed once."""
    for file in sorted(CORPUS.glob("*.json")):
        yield Part(f"corpus {file.stem}", partial(_replay, file))


def coverage_runs(_mutant: Mutant) -> Iterator[Part]:
    """Every move of every state machine, and the counts around caps."""
    for machine in PAIRS:
        yield Part(f"every pair of {machine}", partial(_pairs, machine))
    for rule in COUNTS:
        yield Part(f"counts of {rule}", partial(_counts, rule))


def runs(_mutant: Mutant) -> Iterator[Part]:
    """Random runs, in which two judges agree on every operation."""
    for machine in MACHINES:
        yield Part(f"runs of {machine.__name__}", partial(_live, machine))


def attacks(mutant: Mutant) -> Iterator[Part]:
    """Hostile runs on the tables of the object, by somebody who may write anything."""
    for focus in [table for table in mutant.tables if table in COLUMNS]:
        yield Part(f"hostile runs on {focus}", partial(_hostile_run, focus))


def strangers(_mutant: Mutant) -> Iterator[Part]:
    """Statements of two companies, neither of which may wait for the other."""
    yield Part("strangers", _strangers)


def conflicts(mutant: Mutant) -> Iterator[Part]:
    """What is legal alone, and what the object's own rules refuse after something else."""
    rules = _near(mutant)
    yield Part("conflicts of its rules", partial(_conflicts, lambda each: bool(each & rules)))


def other_conflicts(mutant: Mutant) -> Iterator[Part]:
    """The same of what other rules refuse."""
    rules = _near(mutant)
    yield Part("conflicts of others", partial(_conflicts, lambda each: not each & rules))


def races(mutant: Mutant) -> Iterator[Part]:
    """Races that everybody knows, in all their orders; those of the object's own rules first."""
    near = sorted(
        KNOWN_RACES, key=lambda name: not set(KNOWN_RACES[name].rules) & set(mutant.rules)
    )
    for name in near:
        yield Part(f"race {name}", partial(_race, name))


def meetings(_mutant: Mutant) -> Iterator[Part]:
    """Statements of the product that meet at every table, of those that take much with them."""
    yield Part("meetings of erasures", _erasures)
    yield Part("meetings of what ends", _endings)


PHASES: list[Phase] = [
    Phase("reading", reading.parts),
    Phase("role", role.parts),
    Phase("rules", own_rules),
    Phase("columns", columns),
    Phase("promises", promised),
    Phase("tables", rules_of_tables),
    Phase("corpus", regressions),
    Phase("coverage runs", coverage_runs),
    Phase("strangers", strangers),
    Phase("conflicts", conflicts),
    Phase("races", races),
    Phase("other conflicts", other_conflicts),
    Phase("meetings", meetings),
    Phase("deeper", deeper),
    Phase("hostile runs", attacks),
    Phase("machine runs", runs),
    Phase("every rule", every_rule),
    Phase("reading of the rest", reading.rest),
]


def _hold(case: ColumnCase, sandbox: Sandbox) -> None:
    hold(sandbox, case)


def _is_named(case: str, name: str) -> bool:
    """Return whether a case is about the column that a constraint's name is made of."""
    return case.partition(" ")[0].rpartition(".")[2] in name


def _replay(file: File, sandbox: Sandbox) -> None:
    entry = entries.read(file)
    replay = entries.replay(sandbox, entry)
    if replay.status is not Status.FIXED:
        raise _finding(entry.rule, replay.reason)


def _pairs(machine: str, sandbox: Sandbox) -> None:
    every_pair(machine, lambda: MachineRun(sandbox, Log()))


def _counts(rule: str, sandbox: Sandbox) -> None:
    every_count(rule, MachineRun(sandbox, Log()))


def _strangers(sandbox: Sandbox) -> None:
    for finding in Strangers(sandbox).waits().values():
        raise finding


def _near(mutant: Mutant) -> frozenset[str]:
    """Return the rules of a mutant, or of its tables where it serves none itself, as locks do."""
    tables = frozenset(mutant.tables)
    return frozenset(mutant.rules) or frozenset(
        rule for rule, each in RULES.items() if tables.intersection(each.tables)
    )


def _conflicts(wanted: Callable[[frozenset[str]], bool], sandbox: Sandbox) -> None:
    deferred = asked_at_commit(sandbox.owner)
    with Harness(sandbox, _conninfo(sandbox)) as harness:
        runner = RaceRunner(harness)
        for name in STARTS:
            for conflict in conflicts_of(name):
                if wanted(conflict.rules):
                    for race, order in ways(conflict, deferred):
                        runner.run_some(race, [order], "conflicts")


def _race(name: str, sandbox: Sandbox) -> None:
    with Harness(sandbox, _conninfo(sandbox)) as harness:
        RaceRunner(harness).run_all(KNOWN_RACES[name])


def _erasures(sandbox: Sandbox) -> None:
    with closing(Floor(sandbox, _conninfo(sandbox), studio())) as floor:
        for meeting in floor.pairs.of_erasures():
            floor.meet(meeting)


def _endings(sandbox: Sandbox) -> None:
    with closing(Floor(sandbox, _conninfo(sandbox), office())) as floor:
        for one, other in combinations_with_replacement(ENDINGS, 2):
            for meeting in floor.pairs.of_endings(one, other):
                floor.meet(meeting)


def _conninfo(sandbox: Sandbox) -> str:
    info = sandbox.session.connection.info
    secret = {"password": info.password} if info.password else {}
    return make_conninfo(info.dsn, **secret)


def _live(machine: type[Machine], sandbox: Sandbox) -> None:
    machine.sandbox, machine.log = sandbox, Log()
    how = settings(GENERATE, max_examples=RUNS, stateful_step_count=RUN)
    seed(0)(get_state_machine_test(machine, settings=how))()


def _hostile_run(focus: str, sandbox: Sandbox) -> None:
    hostile_runner = HostileRunner(sandbox)
    for hostile_run in drawn(
        ("raids", focus), lambda: hostile_runs(hostile_runner.shape, focus), HOSTILE_RUNS
    ):
        hostile_runner.run(hostile_run)


def _finding(rule: str, observed: str) -> Finding:
    return Finding(rule, Verdict.BROKEN, expected="fixed", observed=observed, script="")
