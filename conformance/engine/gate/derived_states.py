"""States of the data of a schema whose rules are all that is known of it.

Each is reached by its own transactions on a scratch database, as its machines reach theirs: rows
with every column filled, every legal move of a status, every cap, and what random runs lead to.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.derived.caps import parent_of
from conformance.engine.derived.fresh import NoValueError
from conformance.engine.derived.machine import new_run
from conformance.engine.derived.machine_run import Log
from conformance.engine.derived.machine_runner import DerivedRunner
from conformance.engine.derived.twin import Twin
from conformance.engine.domain.chosen import RULES
from conformance.engine.gate import unknown_data
from conformance.engine.gate.rows import rows_of
from conformance.engine.gate.state import State
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.mutants.drawing import GENERATE
from conformance.engine.sql.writes import Insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from conformance.engine.derived.machine_run import DerivedRun
    from conformance.engine.derived.world import Facts
    from conformance.engine.gate.unknown_data import Literals
    from conformance.engine.kinds.transitions import Transitions
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.progress import Say

    Lead: TypeAlias = Callable[[DerivedRun], None]

TRIES: Final = 2  # of each state: the last one's rows are taken
STEPS: Final = 20
MOST: Final = 200  # rows of a cap that is filled


def reached(
    facts: Facts, database: Database, number: int | str, say: Say, said: Literals
) -> Iterator[State]:
    """Yield every state, reached on a scratch database with nothing in it but its schema.

    Args:
        facts: what every legal row must heed.
        database: the scratch database.
        number: the seed of what is drawn.
        say: receives how far it has come before each.
        said: the literals of the files that are to be tried.
    """
    said = said.anew()
    tables = tuple(dict.fromkeys(table for rule in RULES.values() for table in rule.tables))
    with Sandbox(database.conninfo) as sandbox:
        ways = [
            (name, partial(_led, sandbox, facts, lead, f"{number} {name}"))
            for name, lead in _leads(facts, tables)
        ]
        ways += [
            (f"a run of {table}", partial(_walked, sandbox, facts, table, number))
            for table in tables
        ]
        for at, (name, lead) in enumerate(ways):
            say(f"reaching {name}", at, len(ways))
            try:
                lead()
                trouble = ""
            except Finding as finding:
                trouble = str(finding).partition("\n  on a fresh")[0]
            with sandbox.session.connection.transaction(force_rollback=True):
                sandbox.session.fetch_all("SET LOCAL session_replication_role = replica")
                unfilled = unknown_data.fill(sandbox.session.connection, said, tables)
                rows = rows_of(sandbox.session)
            yield State(name, rows, trouble, tuple(unfilled))


def _leads(facts: Facts, tables: tuple[str, ...]) -> Iterator[tuple[str, Lead]]:
    for table in tables:
        yield f"each column of {table}", partial(_fill, table)
    for rule, kind in ((each.id, each.kind) for each in RULES.values()):
        if isinstance(kind, AtMost) and kind.most <= MOST:
            yield f"at the cap of {rule}", partial(_reach_cap, kind)
    for kind in facts.moves:
        for before, after in kind.pairs():
            if (before, after) in kind.legal:
                name = f"{kind.table}.{kind.column} {before or 'new'} -> {after}"
                yield name, partial(_move, kind, before, after)


def _led(sandbox: Sandbox, facts: Facts, lead: Lead, name: str) -> None:
    """Lead a few runs with what is drawn; the rows of the last one stay."""
    with Twin(sandbox) as twin:

        @seed(name)
        @settings(GENERATE, max_examples=TRIES)
        @given(st.data())
        def once(data: st.DataObject) -> None:
            run = new_run(twin, facts, Log())
            run.world.draw = data.draw
            lead(run)

        once()


def _walked(sandbox: Sandbox, facts: Facts, table: str, number: int | str) -> None:
    how = settings(GENERATE, max_examples=TRIES, stateful_step_count=STEPS)
    DerivedRunner(sandbox, f"{number} {table}").run(table, facts, how)


def _fill(table: str, run: DerivedRun) -> None:
    """Insert a row, and one for each column in which that column has a value, if it may."""
    _insert(run, table)
    for column in run.world.tables[table].columns.values():
        if not column.required and not column.always:
            try:
                _insert(run, table, **{column.name: run.world.value(table, column.name)})
            except NoValueError:  # of a type of which none can be made, and none is needed
                continue


def _reach_cap(kind: AtMost, run: DerivedRun) -> None:
    """Insert as many rows of one parent as it may have."""
    mine = parent_of(run.world, kind)
    for _ in range(kind.most):
        _insert(run, kind.table, **mine)


def _move(kind: Transitions, before: str | None, after: str, run: DerivedRun) -> None:
    """Bring a row to a state by legal moves, the last of which is this one."""
    way = (*(kind.way_to(before) or ()), after) if before is not None else (after,)
    row = _insert(run, kind.table, **{kind.column: way[0]})
    for state in way[1:]:
        change = run.world.changed(kind.table, row, {kind.column: state})
        run.commit([change], f"move {kind.table}")


def _insert(run: DerivedRun, table: str, **given: object) -> dict[str, object]:
    """Insert a legal row, after the parents that it needs."""
    world = run.world
    row = world.row(table, **given)
    parents, world.given = world.given, []
    if parents:
        run.commit(parents, "insert parents")
    run.commit([Insert(table, (row,))], f"insert {table}")
    return dict(row)
