"""Every two statements of the product, made to meet at every table that both lock rows of.

Two statements that take locks in different orders end in a deadlock only where each has one before
it wants the other's, which chance seldom brings about. A third session, the gate, holds all rows of
one table: each statement stops there with whatever it has taken before. Then the gate opens.

Which statements there are is read from the operations of the product, which tables they lock from
the server: an operation that is new meets all others without anybody naming the pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import TYPE_CHECKING

from conformance.cases.verdicts import Finding, Verdict
from conformance.framecast.operations import OPERATIONS, step
from conformance.races.driver import Driver
from conformance.races.harness import IllegalStartError
from conformance.races.judge import LOCKS
from conformance.sql.outcomes import Accepted, Rejected
from conformance.sql.writes import Statement, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.database.sandbox import Sandbox
    from conformance.database.session import Session
    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation
    from conformance.races.schedule import Start

# Arguments of one operation that are tried: the newest rows come first.
MOST = 10
COMBINATIONS = 5000  # of an operation's arguments; making a job has 35,000
SERIALS = 1000  # ids of the second statement begin so much later
# What takes much with it.
ERASURE = "erase a user"
ENDINGS = ("delete a user", ERASURE, "delete a team", "delete a project", "leave a team")
# Modes in which statements lock the rows of tables; reading alone takes AccessShareLock.
LOCKED = """
SELECT DISTINCT l.relation::regclass::text FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind = 'r'
    AND l.mode IN ('RowShareLock', 'RowExclusiveLock')
    AND c.relnamespace <> ALL ('{pg_catalog,conformance}'::regnamespace[])
"""


@dataclass(frozen=True, slots=True)
class Single:
    """One legal statement of the product.

    Attributes:
        operation: the name of its operation.
        name: in words.
        sql: the statement.
    """

    operation: str
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two statements that meet at a table, in the order in which they come to it."""

    first: Single
    second: Single
    table: str

    @property
    def scripts(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """What the gate and the two sessions do, one script each."""
        gate = f"BEGIN;\nSELECT FROM {self.table} FOR UPDATE"
        return (
            (("hold", gate), ("let go", "COMMIT")),
            *(
                ((each.name, f"BEGIN;\n{each.sql}"), ("commit", "COMMIT"))
                for each in (self.first, self.second)
            ),
        )

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.first.name} meets {self.second.name} at {self.table}"


class Choice:
    """The order of a meeting: the gate closes, both come to it, and it opens."""

    def __init__(self) -> None:
        """Begin with the gate."""
        self._plan = [0, 1, 2, 0]

    def __call__(self, ready: tuple[int, ...]) -> int:
        """Return who goes on, of those who can."""
        if self._plan and self._plan[0] in ready:
            return self._plan.pop(0)
        self._plan = []
        return ready[0]


def singles(start: Start, serial: int) -> Iterator[Single]:
    """Return statements of the product on a start; new rows have ids after the serial.

    What is refused takes locks as well: of each operation some that is legal, and some that is not.
    """
    state = replace(start.state, serial=serial)
    for operation in OPERATIONS.values():
        if operation.possible(state):
            yield from _of(operation, state)


def _of(operation: Operation, state: State) -> Iterator[Single]:
    found: dict[bool, dict[str, Single]] = {True: {}, False: {}}
    choices = [tuple(choice(state)) for choice in operation.takes.values()]
    for values in _some_of(choices, operation.name):
        arguments = dict(zip(operation.takes, values, strict=True))
        try:
            planned = step(state, operation, arguments)
        except LookupError:  # it names what is not there
            continue
        sql = [each.sql for write in planned.writes for each in statements(write)]
        if len(sql) == 1:
            found[not planned.broken].setdefault(
                sql[0], Single(operation.name, str(planned), sql[0])
            )
    for some in found.values():
        yield from _spread(list(some.values()), MOST)


def _some_of(choices: Sequence[Sequence[object]], seed: str) -> list[tuple[object, ...]]:
    """Return combinations of one choice of each, in order; of very many, always the same few."""
    every = list(product(*choices))
    if len(every) <= COMBINATIONS:
        return every
    chosen = Random(seed).sample(range(len(every)), COMBINATIONS)  # noqa: S311 - no secret
    return [every[number] for number in sorted(chosen)]


def _spread(some: Sequence[Single], most: int) -> list[Single]:
    """Return a few that lie far from each other."""
    if len(some) <= most:
        return list(some)
    return [some[number * (len(some) - 1) // (most - 1)] for number in range(most)]


def of_each_kind(
    session: Session, some: Iterable[Single]
) -> Iterator[tuple[Single, frozenset[str]]]:
    """Return statements with the tables of which each locks rows; none where it is refused.

    Of one operation's statements that lock rows of the same tables, or are refused by the same
    name, only the first: the others take the same way.
    """
    known = set()
    for single in some:
        session.connection.execute("BEGIN")
        outcome = session.send(Statement(single.sql))
        tables = frozenset[str]()
        if isinstance(outcome, Accepted):
            tables = frozenset(str(table) for (table,) in session.fetch(LOCKED))
        session.connection.execute("ROLLBACK")
        why = outcome.constraint or outcome.sqlstate if isinstance(outcome, Rejected) else ""
        kind = (single.operation, tables, why)
        if kind not in known:
            known.add(kind)
            yield single, tables


@dataclass(frozen=True, slots=True)
class Pairs:
    """All statements of two sessions, each with the tables of which it locks rows.

    Attributes:
        firsts: those of the one session.
        seconds: the same with other ids for new rows.
        every: the tables that any of them locks; what is refused is met at each of them.
    """

    firsts: tuple[tuple[Single, frozenset[str]], ...]
    seconds: tuple[tuple[Single, frozenset[str]], ...]
    every: frozenset[str]

    @classmethod
    def of(cls, session: Session, start: Start) -> Pairs:
        """Learn from a database that is at the start what each statement locks."""
        firsts, seconds = (
            tuple(of_each_kind(session, singles(start, SERIALS * at))) for at in (1, 2)
        )
        return cls(firsts, seconds, frozenset[str]().union(*(tables for _, tables in firsts)))

    def tables(self, one: frozenset[str], another: frozenset[str]) -> list[str]:
        """Return where two statements meet."""
        return sorted((one or self.every) & (another or self.every))

    def of_endings(self, one: str, other: str) -> list[Meeting]:
        """Return every meeting of statements of two operations, in either order."""
        return [
            meeting
            for meeting in self.of_operations(one, other)
            if {meeting.first.operation, meeting.second.operation} == {one, other}
        ]

    def of_erasures(self) -> Iterator[Meeting]:
        """Return every meeting of a legal erasure with a legal statement, in either order."""
        erasures, others = (
            [each for each in some if each[1] and (each[0].operation == ERASURE) is is_erasure]
            for some, is_erasure in ((self.firsts, True), (self.seconds, False))
        )
        for (one, mine), (another, theirs) in product(erasures, others):
            for table in self.tables(mine, theirs):
                yield Meeting(one, another, table)
                yield Meeting(another, one, table)

    def of_operations(self, *names: str) -> Iterator[Meeting]:
        """Return every meeting of two statements of these operations, in either order."""
        firsts, seconds = (
            [each for each in some if each[0].operation in names]
            for some in (self.firsts, self.seconds)
        )
        for (one, mine), (another, theirs) in product(firsts, seconds):
            for table in self.tables(mine, theirs):
                yield Meeting(one, another, table)


class Floor:
    """A database on which statements meet, brought back to the start each time."""

    def __init__(self, sandbox: Sandbox, conninfo: str, start: Start) -> None:
        """Bring the start about, and learn what there is to meet.

        Raises:
            IllegalStartError: The schema refuses it.
        """
        self._sandbox = sandbox
        self._copy = f"meeting_{start.name}"
        sandbox.reset()
        outcome = sandbox.run_as_owner(
            [each for write in start.writes for each in statements(write)]
        )
        if not isinstance(outcome, Accepted):
            message = f"{start.name}: {outcome}"
            raise IllegalStartError(message)
        sandbox.new_violations()
        sandbox.keep(self._copy)
        self.pairs = Pairs.of(sandbox.owner, start)
        self._driver = Driver(conninfo)

    def close(self) -> None:
        """Close the sessions."""
        self._driver.__exit__(None, None, None)

    def meet(self, meeting: Meeting) -> None:
        """Let two statements meet.

        Raises:
            Finding: They wait for each other, or for nobody.
        """
        self._sandbox.bring_back(self._copy)
        trace = self._driver.run(meeting.scripts, Choice())
        if not trace.deadlocked and not trace.hung:
            return
        one, other = meeting.first.sql, meeting.second.sql
        raise Finding(
            LOCKS,
            Verdict.BROKEN,
            expected="no deadlock of two statements of the product",
            observed=f"{meeting}: they wait for each other",
            script=f"-- session 1:\nSELECT FROM {meeting.table} FOR UPDATE; -- then COMMIT\n"
            f"-- session 2:\n{one};\n-- session 3:\n{other};\n",
            steps=(),  # it takes three sessions
        )
