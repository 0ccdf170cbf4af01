"""A client: one connection, a view of its own, and one transaction after another at full speed."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from itertools import count
from math import inf
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import psycopg

from conformance.engine.database.session import TIMEOUTS, outcome
from conformance.engine.soak.faults import Fault, Faults, is_named
from conformance.engine.soak.reads import OWN, answers, reading, record
from conformance.engine.sql.outcomes import Accepted, Inconclusive
from conformance.framecast.soak import views
from conformance.framecast.soak.drawing import CROWDS, LEVELS, Drawer, some_rows, standing, tables
from conformance.framecast.soak.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.soak.reads import Record, Row
    from conformance.engine.sql.outcomes import Outcome
    from conformance.framecast.soak.drawing import Transaction

REFRESH = 20  # transactions until a client looks again
RETRIES = 3  # of what was inconclusive
REMEMBERED = 4000  # transactions, to tell what led to a fault
FOLLOWED = 7  # of each server process, before the one that it is at work on
# Operations of one statement that may deadlock when a third session has just had what they meet at:
# docs/decisions.md, 145.
KNOWN_DEADLOCKS = frozenset({frozenset({"leave a team", "revive a key"})})
DEADLOCK, SHUTDOWN = "40P01", "57P"
# Ids are given in blocks: whoever has seen the largest begins above it, each client in its own.
BLOCK, BLOCKS = 1 << 12, 1 << 8


@dataclass(frozen=True, slots=True)
class Memory:
    """A transaction that was tried: when it began or ended, by whom, and what became of it."""

    at: float
    client: int
    transaction: Transaction
    answer: str

    def __str__(self) -> str:
        """Return it as SQL, with its answer."""
        return f"-- client {self.client}, {self.answer}\n{self.transaction.script()}"


@dataclass(slots=True)
class Seen:
    """Counts of one client.

    `operations` counts by (operation, answer); `levels` and `tables` what was accepted there;
    `refusals` by the name of what refused; `states` the inconclusive answers by level and SQLSTATE.
    """

    operations: Counter[tuple[str, str]] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    tables: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    memory: deque[Memory] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    given_up: int = 0


@dataclass(slots=True)
class Shared:
    """State that all clients of a run share.

    Clients take turns at looking. In every other round all crowd around the same thing, and in one
    lap of all those things around the same team.
    `reads` says whether clients read some rows first in each transaction, and keep what they saw.
    `up` is set while there is a server; `crashes` counts the times that it was killed. `at_work` is
    what each server process was last asked to do, the newest last.
    """

    conninfo: str
    clients: int
    reads: bool = False
    faults: Faults = field(default_factory=Faults)
    stop: Event = field(default_factory=Event)
    up: Event = field(default_factory=Event)
    crashes: int = 0
    turns: Iterator[int] = field(default_factory=count)
    at_work: dict[int, tuple[Memory, ...]] = field(default_factory=dict)
    broken: list[BaseException] = field(default_factory=list)


class Client(Thread):
    """One of many, in a thread of its own."""

    def __init__(self, number: int, seed: int, shared: Shared) -> None:
        """Get ready; `start` begins."""
        super().__init__(name=f"client {number}", daemon=True)
        self.number = number
        self.ledger = Ledger(number)
        self.seen = Seen()
        self.records: list[Record] = []
        self._shared = shared
        self._random = Random(f"{seed} {number}")  # noqa: S311 - nothing secret
        self._drawer = Drawer(self._random)
        self._chance = Random(f"{seed} {number} reads")  # noqa: S311 - nothing secret
        self._connection: psycopg.Connection[Any] | None = None
        self._crashes = 0  # of the server, to which the connection belongs
        self._clock = 0  # of ids: behind no id that was seen

    def run(self) -> None:
        """Do one thing after another, until it is time to stop."""
        try:
            while not self._shared.stop.is_set():
                if self._shared.up.wait(timeout=0.1):
                    self._until_lost()
        except BaseException as error:  # noqa: BLE001 - whoever started us raises it
            self._shared.broken.append(error)
            self._shared.stop.set()

    def _until_lost(self) -> None:
        """Work on one connection while it lasts."""
        self._crashes = self._shared.crashes
        try:
            with psycopg.connect(
                self._shared.conninfo, autocommit=True, prepare_threshold=None
            ) as self._connection:
                self._connection.execute(TIMEOUTS)
                while not self._shared.stop.is_set():
                    self._look_and_work(self._connection)
        except psycopg.OperationalError as error:
            self._expect_crash(error)

    def _look_and_work(self, connection: psycopg.Connection[Any]) -> None:
        round_, half = divmod(next(self._shared.turns) // self._shared.clients, 2)
        lap, place = divmod(round_, len(CROWDS))
        crowd = () if half else CROWDS[place]
        view = views.load(connection, self._random, lap if crowd else None)
        self._clock = max(self._clock, views.last_id(view) // (BLOCK * BLOCKS)) + 1
        view = replace(view, serial=(self._clock * BLOCKS + self.number) * BLOCK)
        known = standing(view)
        for _ in range(REFRESH):
            if self._shared.stop.is_set():
                return
            transaction = self._drawer.draw(view, known, crowd)
            asked = some_rows(view, transaction, self._chance) if self._shared.reads else ()
            if isinstance(self._settle(connection, transaction, asked), Accepted):
                view = transaction.after

    def _settle(
        self, connection: psycopg.Connection[Any], transaction: Transaction, asked: Sequence[Row]
    ) -> Outcome | None:
        """Try a transaction until there is an answer, or it is not worth it."""
        for _ in range(1 + RETRIES):
            answer = self._try(connection, transaction, asked)
            if not isinstance(answer, Inconclusive):
                return answer
        self.seen.given_up += 1
        return None

    def _try(
        self, connection: psycopg.Connection[Any], transaction: Transaction, asked: Sequence[Row]
    ) -> Outcome:
        number, entry = self.ledger.entry()
        begun, pid = self._memory(transaction, "at work"), connection.info.backend_pid
        self._shared.at_work[pid] = (*self._shared.at_work.get(pid, ())[-FOLLOWED:], begun)
        self.ledger.remove(transaction.writes)
        body = [each.sql for each in (*transaction.body, entry)]
        if self._shared.reads:
            body = [reading(asked), *body, OWN]
        body = [f"BEGIN ISOLATION LEVEL {transaction.level}", *body]
        try:
            if transaction.apart:
                told = [rows for each in body for rows in answers(connection.execute(each))]
                self.ledger.unknown.add(number)
                connection.execute("COMMIT")
            else:
                self.ledger.unknown.add(number)
                told = list(answers(connection.execute(";\n".join([*body, "COMMIT"]))))
        except psycopg.Error as error:
            if _says_nothing(error):
                # What became of a COMMIT that was sent is open; without one nothing was committed.
                if number not in self.ledger.unknown:
                    self.ledger.refused.add(number)
                self._note(transaction, "connection lost")
                raise
            answer = outcome(error)
            self.ledger.refused.add(number)
            self.ledger.unknown.discard(number)
            self._judge(begun, answer, error)
            connection.execute("ROLLBACK")
            return answer
        if self._shared.reads:
            done = (told, begun.at, monotonic())
            self.records.append(record(self.number, transaction.level, *done))
        self.ledger.accept(number, transaction.writes)
        self.ledger.unknown.discard(number)
        self.seen.levels[transaction.level] += 1
        self.seen.tables.update(tables(transaction.writes))
        self._note(transaction, "accepted")
        return Accepted()

    def _judge(self, begun: Memory, answer: Outcome, error: psycopg.Error) -> None:
        transaction = begun.transaction
        if isinstance(answer, Inconclusive):
            self._note(transaction, "inconclusive", str(answer))
            self.seen.states[transaction.level, answer.sqlstate] += 1
            if answer.sqlstate == DEADLOCK:
                self._judge_deadlock(begun, error)
            return
        self._note(transaction, "rejected", str(answer))
        if isinstance(answer, Accepted):
            return
        self.seen.refusals[answer.constraint or answer.column or answer.sqlstate] += 1
        if not is_named(answer):
            told = f"{answer}\n{error.diag.context or ''}\n{transaction.script()}"
            self._shared.faults.add(Fault("refusal without a rule", transaction.name, told))

    def _judge_deadlock(self, begun: Memory, error: psycopg.Error) -> None:
        """Take a deadlock between statements at read committed for a fault of the order of locks.

        The error has no field for who took part, but its detail has the numbers of the processes.
        Whose transaction has several statements has an order of its own, so that is only noted.
        """
        transaction = begun.transaction
        detail = error.diag.message_detail or ""
        others = [
            memory
            for pid in sorted({int(each) for each in re.findall("[0-9]+", detail)})
            for memory in since(begun.at, self._shared.at_work.get(pid, ()))
            if memory.client != self.number
        ]
        involved = (transaction, *(each.transaction for each in others))
        told = "\n".join(
            (transaction.script(), *map(str, others), detail, error.diag.context or "")
        )
        names = " and ".join(sorted(each.name for each in involved))
        if not others or any(len(each.body) > 1 for each in involved):
            self._shared.faults.note(Fault("deadlock of several statements", names, told))
        elif frozenset(each.name for each in involved) in KNOWN_DEADLOCKS:
            self._shared.faults.note(Fault("known deadlock", names, told))
        elif transaction.level == LEVELS[0]:
            self._shared.faults.add(Fault("deadlock", names, told))

    def _expect_crash(self, error: psycopg.Error) -> None:
        """Take it that the connection was lost to a kill, or else say so."""
        if self._crashes == self._shared.crashes and not self._shared.stop.is_set():
            told = f"{error}\nand nobody had killed the server"
            self._shared.faults.add(Fault("connection lost", self.name, told))

    def _note(self, transaction: Transaction, answer: str, why: str = "") -> None:
        for each in transaction.steps:
            self.seen.operations[each.operation.name, answer] += 1
        self.seen.memory.append(self._memory(transaction, why or answer))

    def _memory(self, transaction: Transaction, answer: str) -> Memory:
        return Memory(monotonic(), self.number, transaction, answer)


def since(begun: float, asked: Sequence[Memory]) -> list[Memory]:
    """Return what a process was at work on at some time since a transaction began.

    Who survives a deadlock goes on, and may be several transactions further when the other hears of
    it: what it is at work on by then need not be what it was in.
    """
    ended = [*(after.at for after in asked[1:]), inf]
    return [memory for memory, end in zip(asked, ended, strict=False) if end > begun]


def _says_nothing(error: psycopg.Error) -> bool:
    """Return whether an error is no answer to a transaction: a connection or server that ends."""
    return not error.sqlstate or error.sqlstate.startswith(SHUTDOWN)
