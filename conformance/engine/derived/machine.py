"""State machines that follow from a schema and its rules, one a table.

A machine is about its table, the parents and the children of that.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from conformance.engine.derived import operations
from conformance.engine.derived.machine_run import DerivedRun
from conformance.engine.derived.world import World

if TYPE_CHECKING:
    from conformance.engine.derived.machine_run import Log
    from conformance.engine.derived.operations import Does
    from conformance.engine.derived.twin import Twin
    from conformance.engine.derived.world import Facts
    from conformance.engine.sql.writes import Write


INSERTS: Final = st.sampled_from((operations.insert, operations.insert_several))
ANY: Final = st.sampled_from(operations.DOES)


class DerivedMachine(RuleBasedStateMachine):
    """A run that Hypothesis leads. Whoever runs it sets what it is about first."""

    table: ClassVar[str]
    near: ClassVar[tuple[str, ...]]
    twin: ClassVar[Twin]
    facts: ClassVar[Facts]
    log: ClassVar[Log]

    def __init__(self) -> None:
        """Begin with an empty database."""
        super().__init__()
        self.began = time.perf_counter()
        self.run = new_run(self.twin, self.facts, self.log)

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Begin with a legal row of the table."""
        self.act(data, self.table, operations.insert)

    @rule(data=st.data())
    def insert(self, data: st.DataObject) -> None:
        """Insert a row, or several by one statement."""
        self.act(
            data,
            self.table,
            data.draw(INSERTS),
        )

    @rule(data=st.data())
    def update(self, data: st.DataObject) -> None:
        """Change columns of a row."""
        self.act(data, self.table, operations.update)

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        """Move a row to another state, or change it where it has none."""
        self.act(data, self.table, operations.move)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Delete a row."""
        self.act(data, self.table, operations.delete)

    @rule(data=st.data())
    def act_on_a_neighbour(self, data: st.DataObject) -> None:
        """Do any of this to a table beside it."""
        self.act(data, data.draw(st.sampled_from(self.near)), data.draw(ANY))

    @rule(data=st.data())
    def act_together(self, data: st.DataObject) -> None:
        """Do two or three things in one transaction."""
        acts = st.tuples(
            st.sampled_from((self.table, *self.near)), st.sampled_from(operations.DOES)
        )
        self.commit(data, *data.draw(st.lists(acts, min_size=2, max_size=3)))

    def act(self, data: st.DataObject, table: str, does: Does) -> None:
        """Do a thing, and then some to what it was about, or beside that."""
        self.commit(data, (table, does))
        for _ in range(data.draw(st.sampled_from((0, 1, 2, 3)))):
            beside = data.draw(st.sampled_from((self.table, *self.near)))
            self.commit(data, (beside, data.draw(st.sampled_from(operations.FOLLOW_UPS))))

    def commit(self, data: st.DataObject, *acts: tuple[str, Does]) -> None:
        """Do things in one transaction: of each, the table and what makes its writes.

        Parents that it needs are written in one before.
        """
        world = self.run.world
        world.draw = data.draw
        before = {table: list(rows) for table, rows in world.there.items()}
        writes: list[Write] = []
        does = []
        for table, make in acts:
            made = make(world, table)
            for each in made:
                operations.expect(world, each)
            writes += made
            does += [f"{make.__name__.replace('_', ' ')} {table}"] * bool(made)
        parents, world.given = world.given, []
        world.there = before
        if parents:
            self.run.commit(parents, *(f"insert {each.table}" for each in parents))
        if writes:
            self.run.commit(writes, *does)

    def teardown(self) -> None:
        """Add up the time. This is skipped where __init__ failed, and frees nothing."""
        self.log.seconds += time.perf_counter() - self.began


def new_run(twin: Twin, facts: Facts, log: Log) -> DerivedRun:
    """Return a run on an empty database, whose rows nothing draws yet."""
    world = World(twin.tables, facts, _nothing, there={table: [] for table in twin.tables})
    return DerivedRun(twin, world, log)


def machine_of(table: str, twin: Twin, facts: Facts, log: Log) -> type[DerivedMachine]:
    """Return the machine of a table: its parents and its children are beside it."""
    world = World(twin.tables, facts, _nothing)
    parents = [key.parent for key in world.keys_of(table)]
    children = [
        name for name in twin.tables if any(key.parent == table for key in world.keys_of(name))
    ]
    near = tuple(dict.fromkeys(each for each in (*parents, *children) if each in twin.tables))
    about = {"table": table, "near": near or (table,), "twin": twin, "facts": facts, "log": log}
    return type(f"Machine of {table}", (DerivedMachine,), about)


def _nothing(_strategy: object) -> Any:
    message = "a run draws while it acts"
    raise NotImplementedError(message)
