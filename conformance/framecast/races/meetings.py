"""Every two statements of the product, made to meet at every table that both lock rows of.

Two statements that take locks in different orders end in a deadlock only where each has one before
it wants the other's, which chance seldom brings about. A third session, the gate, holds all rows of
one table: each statement stops there with whatever it has taken before. Then the gate opens.

Which statements there are is read from the operations of the product, which tables they lock from
the server: an operation that is new meets all others without anybody naming the pair.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod
from typing import TYPE_CHECKING

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.verdicts import SEVERAL, Finding, Verdict
from conformance.engine.races.driver import Driver
from conformance.engine.races.schedule import Schedule
from conformance.engine.sql.outcomes import Accepted, Rejected
from conformance.engine.sql.writes import Statement, statements
from conformance.framecast.operations import OPERATIONS, step
from conformance.framecast.races.serializability import LOCKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.database.session import Session
    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation
    from conformance.framecast.races.schedule import Start

COMBINATIONS = 900  # of an operation's arguments, of which all are looked at
SERIALS = 1000  # ids of the second statement begin so much later
# What takes much with it.
ERASURE = "erase a user"
# Where an erasure stands still once it has the user, and before anything is gone.
HALFWAY = ("api_keys", "framecast.team_guards")
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
        """Scripts of the gate and of the two sessions."""
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

    What is refused takes locks as well: of each operation some that are legal, with every argument
    that may be, and for each rule what breaks it, and as few others as possible.
    """
    state = replace(start.state, serial=serial)
    for operation in OPERATIONS.values():
        if operation.possible(state):
            planned = list(plans(operation, state))
            yield from (plan.single for plan in legal(planned))
            yield from (plan.single for plan in refused(planned))


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, the arguments that make it, and the rules that it breaks."""

    single: Single
    arguments: tuple[object, ...]
    broken: frozenset[str]


def plans(operation: Operation, state: State, *, every: bool = False) -> Iterator[Plan]:
    """Return statements of an operation: of very many combinations of arguments, near ones.

    Those are combinations that differ in two arguments from one that is legal: what a rule refuses
    hangs on a pair (who does it, and to what), and making a job has 35,000 combinations.
    """
    choices = [tuple(choice(state)) for choice in operation.takes.values()]
    if every or prod(map(len, choices)) <= COMBINATIONS:
        chosen: Iterable[tuple[object, ...]] = product(*choices)
    else:
        chosen = near(choices, lambda some: not getattr(_plan(operation, state, some), "broken", 1))
    for values in dict.fromkeys(chosen):
        plan = _plan(operation, state, values)
        if plan is not None:
            yield plan


def _plan(operation: Operation, state: State, values: tuple[object, ...]) -> Plan | None:
    """Return the one statement of some arguments; None where they name what is not there."""
    try:
        planned = step(state, operation, dict(zip(operation.takes, values, strict=True)))
    except LookupError:
        return None
    sql = [each.sql for write in planned.writes for each in statements(write)]
    single = Single(operation.name, str(planned), sql[0]) if len(sql) == 1 else None
    return None if single is None else Plan(single, values, frozenset(planned.broken))


def _is_legal(plan: Plan | None) -> bool:
    return plan is not None and not plan.broken


def near(
    choices: Sequence[Sequence[object]], is_legal: Callable[[tuple[object, ...]], bool]
) -> Iterator[tuple[object, ...]]:
    """Return all combinations that differ from the first legal one in at most two arguments."""
    base = next(filter(is_legal, product(*choices)), tuple(each[0] for each in choices))
    for one, other in combinations(range(len(choices)), 2):
        for first, second in product(choices[one], choices[other]):
            yield tuple({one: first, other: second}.get(at, value) for at, value in enumerate(base))


def legal(some: Iterable[Plan]) -> Iterator[Plan]:
    """Return legal statements, with each argument that may be legal."""
    return _of_all_arguments(plan for plan in some if not plan.broken)


def refused(some: Sequence[Plan]) -> Iterator[Plan]:
    """Return what breaks each rule with as few others as possible, with each argument that may.

    One rule refuses in several names, by what else is there.
    """
    sets = dict.fromkeys(plan.broken for plan in some if plan.broken)
    fewest = {rule: min(len(each) for each in sets if rule in each) for rule in set().union(*sets)}
    for wanted in sets:
        if any(len(wanted) == fewest[rule] for rule in wanted):
            yield from _of_all_arguments(plan for plan in some if plan.broken == wanted)


def _of_all_arguments(some: Iterable[Plan]) -> Iterator[Plan]:
    """Leave out statements of which each argument has been in another one before."""
    had: set[tuple[int, object]] = set()
    for plan in some:
        arguments = set(enumerate(plan.arguments))
        if arguments - had:
            had |= arguments
            yield plan


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of outcome of a statement.

    Attributes:
        operation: the name of its operation.
        tables: those of which it locks rows; none where it is refused.
        why: the name, or else the SQLSTATE, with which it is refused; '' where it is not.
    """

    operation: str
    tables: frozenset[str]
    why: str


def of_each_kind(session: Session, some: Iterable[Single]) -> Iterator[tuple[Single, Kind]]:
    """Return the first statement of each kind: the others take the same way."""
    known = set()
    for single in some:
        session.connection.execute("BEGIN")
        outcome = session.send(Statement(single.sql))
        tables = frozenset[str]()
        if isinstance(outcome, Accepted):
            tables = frozenset(str(table) for (table,) in session.fetch(LOCKED))
        session.connection.execute("ROLLBACK")
        why = outcome.constraint or outcome.sqlstate if isinstance(outcome, Rejected) else ""
        kind = Kind(single.operation, tables, why)
        if kind not in known:
            known.add(kind)
            yield single, kind


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
            tuple(
                (single, kind.tables)
                for single, kind in of_each_kind(session, singles(start, SERIALS * at))
            )
            for at in (1, 2)
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
        """Return every meeting of a legal erasure with a legal statement, in either order.

        The one that takes most with it is also held up halfway, where the other goes on as far as
        it can: it may have what the erasure wants next, and wait for what that has.

        Raises:
            Finding: The schema refuses all erasures.
        """
        erasures, others = (
            [each for each in some if each[1] and (each[0].operation == ERASURE) is is_erasure]
            for some, is_erasure in ((self.firsts, True), (self.seconds, False))
        )
        if not erasures:
            raise Finding(
                LOCKS,
                Verdict.UNPROVEN,
                expected="an erasure of an account that is legal",
                observed="every one is refused",
                script="",
                steps=(),
            )
        for (one, mine), (another, theirs) in product(erasures, others):
            for table in self.tables(mine, theirs):
                yield Meeting(one, another, table)
                yield Meeting(another, one, table)
        one, mine = max(erasures, key=lambda each: len(each[1]))
        for another, theirs in others:
            for table in HALFWAY:
                if table in mine - theirs:
                    yield Meeting(one, another, table)

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
            Finding: The schema refuses it.
        """
        self._sandbox = sandbox
        self._copy = f"meeting_{start.name}"
        sandbox.reset()
        body = [each for write in start.writes for each in statements(write)]
        self._setup = [each.sql for each in body]
        outcome = sandbox.run_as_owner(body)
        if not isinstance(outcome, Accepted):
            because = sandbox.misfits.told(outcome, transaction_script(body))
            raise Finding(
                LOCKS,
                Verdict.UNPROVEN,
                expected="a legal state to begin with",
                observed=f"the start {start.name!r}: {because or outcome}",
                script=transaction_script(body),
                steps=(),
            )
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
        finding = Finding(
            LOCKS,
            Verdict.BROKEN,
            expected="no deadlock of two statements of the product",
            observed=f"{meeting}: they wait for each other",
            script=f"{SEVERAL}\n-- session 1:\n"
            f"SELECT FROM {meeting.table} FOR UPDATE; -- then COMMIT\n"
            f"-- session 2:\n{one};\n-- session 3:\n{other};\n",
            steps=(),  # it takes three sessions
        )
        sessions = (f"holds {meeting.table}", meeting.first.name, meeting.second.name)
        finding.schedule = Schedule.of(self._setup, sessions, trace)
        raise finding
