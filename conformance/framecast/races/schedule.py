"""A race as data: what there is before it, who does what, and in which order.

A race knows no database. Its actions are the operations of the product, so the model can say what
each serial order of its transactions would have come to.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a field of a dataclass
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.engine.races.orders import in_turns
from conformance.engine.sql.writes import Insert, RawSql, Update, Write, statements
from conformance.framecast.model import State
from conformance.framecast.model.entities import TABLES, uuid
from conformance.framecast.operations import Operation, Step, step
from conformance.framecast.operations.setups import BY_NAME, Builder, Lack, all_there, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.engine.races.driver import Choose
    from conformance.engine.sql.arbiters import Arbiters

# Each session gives its rows ids of its own: these, times its place, after those that there are.
ROOM = 1000


class Level(StrEnum):
    """The isolation levels of PostgreSQL."""

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SERIALIZABLE = "serializable"


@dataclass(frozen=True, slots=True)
class Start:
    """Start of a race: the writes that made it, and the model's state of it.

    `writes` are put together, so that many rows cost one statement; `plainly` are the same as they
    were done, one after another.
    """

    name: str
    writes: tuple[Write, ...]
    state: State
    plainly: tuple[Write, ...] = ()

    @property
    def orders(self) -> tuple[tuple[Write, ...], ...]:
        """Return the orders in which a schema may accept it.

        Where foreign keys do not wait for the commit, parents must come before children.
        """
        rank = {table: at for at, table in enumerate(TABLES.values())}

        def place(write: Write) -> tuple[int, bool]:
            table = write.table if isinstance(write, Insert | Update) else ""
            return rank.get(table, len(rank)), not isinstance(write, Insert)

        return self.writes, self.plainly or self.writes, tuple(sorted(self.plainly, key=place))

    def __eq__(self, other: object) -> bool:
        """Two starts are the same by name: states are large."""
        return isinstance(other, Start) and self.name == other.name

    def __hash__(self) -> int:
        """Hash by name."""
        return hash(self.name)


@dataclass(frozen=True, slots=True)
class Action:
    """One named step of a transaction: an operation, and what it writes.

    `writes` were made from what the session knew when it planned them. They are what is sent,
    whatever has changed since.
    """

    name: str
    operation: Operation
    arguments: Mapping[str, Any]
    writes: tuple[Write, ...]

    @property
    def sql(self) -> str:
        """Return its statements as one message."""
        return ";\n".join(each.sql for write in self.writes for each in statements(write))

    def aimed(self, arbiters: Arbiters) -> Action:
        """Return it with targets of ON CONFLICT that the schema has."""
        body = [each for write in self.writes for each in statements(write)]
        if all(each.arbiter is None for each in body):
            return self
        aimed = arbiters.aimed_if_possible(body)
        return replace(self, writes=tuple(RawSql(each.sql, each.arbiter) for each in aimed))


@dataclass(frozen=True, slots=True)
class Transaction:
    """One session: a transaction of some actions, and its commit.

    Attributes:
        name: of the session.
        level: its isolation level.
        actions: in their order.
        serial: the last id that was given before its own.
        early: whether BEGIN is a step of its own, some time before the first action.
    """

    name: str
    level: Level
    actions: tuple[Action, ...]
    serial: int
    early: bool = False

    @property
    def script(self) -> tuple[tuple[str, str], ...]:
        """Return its steps: name and SQL. Unless it is early, BEGIN travels with the first."""
        begin = f"BEGIN ISOLATION LEVEL {self.level.upper()}"
        steps = [(each.name, each.sql) for each in self.actions]
        if self.early:
            steps.insert(0, ("begin", begin))
        else:
            name, sql = steps[0]
            steps[0] = (name, f"{begin};\n{sql}")
        return (*steps, ("commit", "COMMIT"))


@dataclass(frozen=True, slots=True)
class Reader:
    """One session that follows the events of a job: it looks several times."""

    name: str
    job: int
    looks: int

    @property
    def script(self) -> tuple[tuple[str, str], ...]:
        """Return its steps: name and SQL, each a transaction by itself."""
        sql = f"SELECT sequence FROM public.job_events WHERE job_id = '{uuid(self.job)}' ORDER BY 1"
        return (("look", sql),) * self.looks


Session: TypeAlias = Transaction | Reader


@dataclass(frozen=True, slots=True)
class Race:
    """A start, and sessions that set out from it at once.

    Those that are `independent` have nothing to do with each other: nobody may wait.
    """

    start: Start
    sessions: tuple[Session, ...]
    independent: bool = False

    @property
    def transactions(self) -> dict[int, Transaction]:
        """Return the sessions that write, by their places."""
        return {at: each for at, each in enumerate(self.sessions) if isinstance(each, Transaction)}

    def in_turns(self) -> Choose:
        """Return choices by which the sessions take turns, as people are shown a race."""
        return in_turns(len(self.sessions), max(len(each.script) for each in self.sessions))

    def at(self, *levels: Level) -> Race:
        """Return the same race at other levels: one for all, or one for each transaction."""
        places = list(self.transactions)
        by_place = dict(zip(places, levels * len(places), strict=False))
        return replace(
            self,
            sessions=tuple(
                replace(each, level=by_place[at]) if isinstance(each, Transaction) else each
                for at, each in enumerate(self.sessions)
            ),
        )


def aimed(race: Race, arbiters: Arbiters) -> Race:
    """Return a race whose statements have targets of ON CONFLICT that the schema has."""
    sessions = tuple(
        replace(each, actions=tuple(action.aimed(arbiters) for action in each.actions))
        if isinstance(each, Transaction)
        else each
        for each in race.sessions
    )
    return race if sessions == race.sessions else replace(race, sessions=sessions)


class Planning:
    """Planning of a session's actions, which knows the start and its own actions."""

    def __init__(self, start: Start, place: int, knows: Iterable[Transaction] = ()) -> None:
        """Plan a session's actions; it may name rows of those that it knows of."""
        state = start.state
        for other in knows:
            state = replace(state, serial=other.serial)
            for action in other.actions:
                state = action.operation.act(state, **action.arguments).after
        self.serial = ROOM * (place + 1)
        self.state = replace(state, serial=self.serial)
        self.actions: list[Action] = []

    def add(self, operation: Operation, arguments: Mapping[str, Any], name: str = "") -> Step:
        """Add an action; raises KeyError where it names what is not there."""
        planned = step(self.state, operation, arguments)
        self.state = planned.after
        self.actions.append(Action(name or str(planned), operation, arguments, planned.writes))
        return planned


def setup(name: str) -> Start:
    """Return the start that a setup makes."""
    return start(name, BY_NAME[name])


def start(name: str, build: Callable[[Builder], Any], lack: Lack = all_there) -> Start:
    """Return the start that somebody builds, without what the schema lacks something for."""
    builder = Builder(State(), lack)
    build(builder)
    return started(name, builder)


def started(name: str, builder: Builder) -> Start:
    """Return the start that has been built."""
    writes = tuple(builder.writes)
    return Start(name, tuple(merged(writes)), builder.state, writes)
