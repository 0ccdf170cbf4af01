"""Drawing of a client's next transaction from its view, and its way to the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from conformance.engine.sql.writes import Delete, Insert, Sql, Update, statements
from conformance.framecast.model import rules
from conformance.framecast.model.entities import TABLES
from conformance.framecast.operations import OPERATIONS, step
from conformance.framecast.operations.clock import PASS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from conformance.engine.sql.writes import Statement, Write
    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation, Step

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
SHARES = (4, 1, 1)  # how often a client is at each level
# Time passes for all rows at once, with triggers disabled: that is no write of a client.
DONE = tuple(each for each in OPERATIONS.values() if each is not PASS)
# What removes much is rarer, or nothing would be left to meet in.
RARE = frozenset(
    {"delete a user", "erase a user", "delete a team", "delete a project", "delete a webhook"}
)
RARELY = 0.3
# What clients crowd around, by turns: what caps count together with what makes room below them; who
# owns, leaves, pays. A crowd is where two do the same thing at the same moment.
CROWDS = tuple(
    tuple(OPERATIONS[name] for name in names)
    for names in (
        ("make a job", "clone a job", "clone a job", "cancel a job"),
        ("invite", "invite", "revoke an invitation", "accept an invitation"),
        ("render a project", "start a job", "complete a job", "cancel a job"),
        ("join a team", "leave a team", "change a role", "hand over a team"),
        ("clone a job", "cancel a job", "append an event", "delete a job"),
        ("grant credits", "spend credits", "charge a job", "refund a job"),
        ("make a key", "revive a key", "join a team", "leave a team"),
        ("change email", "invite", "join a team", "found a team"),
    )
)
# In a crowd the view is soon out of date. Whether there is room, or an owner left, is the race.
RACED = frozenset({"CARD-1", "CARD-2", "CARD-3", "CARD-4", "CARD-5", "CARD-6"}) | frozenset(
    {"INV-T1", "INV-T2", "INV-T6", "INV-T7", "INV-T8", "INV-U2", "INV-U5", "INV-I8", "INV-J12"}
)
CROWDED = 0.7  # of what is done in a crowd is what it is about
ILLEGAL = 0.25  # of what the view says is forbidden, this much is tried nevertheless
SEVERAL = 0.15  # of the transactions, this much is of several operations
APART = 0.5  # and this much goes statement by statement, holding its locks meanwhile
OLD = 0.2  # of events and deliveries arrive old, so that retention has something to delete
AGES = {"job_events": 8, "webhook_deliveries": 31}  # days
TRIES = 8
READ = 6  # rows, beside what is changed, where reads are kept
SIGN_UP = OPERATIONS["sign up"]  # possible at any time
TABLES_WRITTEN = tuple(TABLES.values())


@dataclass(frozen=True, slots=True)
class Transaction:
    """Transaction that a client is about to do.

    Attributes:
        steps: the operations, each of which begins where the last one ends.
        body: the statements.
        level: the isolation level.
        apart: whether each statement waits for the answer to the one before.
    """

    steps: tuple[Step, ...]
    writes: tuple[Write, ...]
    body: tuple[Statement, ...]
    level: str
    apart: bool

    @property
    def after(self) -> State:
        """The view afterwards, if it is accepted."""
        return self.steps[-1].after

    @property
    def name(self) -> str:
        """The operations in words."""
        return " + ".join(each.operation.name for each in self.steps)

    def script(self) -> str:
        """Return what psql reads."""
        told = "".join(f"-- {each}\n" for each in self.steps)
        lines = "".join(each.script() for each in self.body)
        return f"{told}BEGIN ISOLATION LEVEL {self.level};\n{lines}COMMIT;\n"


class Drawer:
    """Draws transactions; the same seed and the same views give the same ones."""

    def __init__(self, random: Random) -> None:
        """Draw with a generator of its own."""
        self._random = random

    def draw(
        self, view: State, standing: frozenset[str], crowd: Sequence[Operation] = ()
    ) -> Transaction:
        """Draw a transaction.

        Args:
            view: What the client knows. Its serial is below all ids that the client may give.
            standing: The rules that the view itself breaks, as it does not show all rows.
            crowd: What most of it is about; () for anything.
        """
        several = self._random.random() < SEVERAL
        steps: list[Step] = []
        for _ in range(self._random.randint(2, 3) if several else 1):
            steps.append(self._step(view, standing, crowd))
            view = steps[-1].after
        writes = tuple(self._aged(write) for each in steps for write in each.writes)
        return Transaction(
            tuple(steps),
            writes,
            tuple(each for write in writes for each in statements(write)),
            self._random.choices(LEVELS, SHARES)[0],
            self._random.random() < APART,
        )

    def _step(self, view: State, standing: frozenset[str], crowd: Sequence[Operation]) -> Step:
        crowded = crowd and self._random.random() < CROWDED
        allowed = standing | RACED if crowded else standing
        drawn = None
        for _ in range(TRIES):
            operation = self._random.choice(crowd if crowded else DONE)
            if not crowded and operation.name in RARE and self._random.random() > RARELY:
                continue
            drawn = self._arguments(view, operation)
            if drawn and (drawn.broken <= allowed or self._random.random() < ILLEGAL):
                return drawn
        return drawn or step(view, SIGN_UP, {"email": "ann@example.com"})

    def _arguments(self, view: State, operation: Operation) -> Step | None:
        arguments = {}
        for name, choice in operation.takes.items():
            values = choice(view)
            if not values:
                return None
            arguments[name] = self._random.choice(values)
        return step(view, operation, arguments)

    def _aged(self, write: Write) -> Write:
        if not isinstance(write, Insert) or write.table not in AGES or self._random.random() > OLD:
            return write
        age = Sql(f"now() - interval '{AGES[write.table]} days'")
        return Insert(write.table, tuple({**row, "created_at": age} for row in write.rows))


def standing(view: State) -> frozenset[str]:
    """Return the rules that a view breaks because it does not show all rows."""
    return rules.broken(view, frozenset(TABLES_WRITTEN))


def tables(writes: Iterable[Write]) -> set[str]:
    """Return the tables that writes name."""
    return {write.table for write in writes if isinstance(write, Insert | Update | Delete)}


def some_rows(view: State, transaction: Transaction, random: Random) -> tuple[tuple[str, str], ...]:
    """Return rows that a client reads before it writes: what it changes, and a few that it knows.

    They are told by table and id.
    """
    changed = {
        (write.table, str(write.key["id"]))
        for write in transaction.writes
        if isinstance(write, Update | Delete) and "id" in write.key
    }
    known = [(table, key) for table in TABLES_WRITTEN for key in getattr(view, table)]
    drawn = random.sample(known, min(READ, len(known)))
    return (*sorted(changed), *((table, str(UUID(int=key))) for table, key in drawn))
