"""One soak: clients, violation queries every few seconds, kills, and the account at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, Any

from conformance.engine.soak import history, violation_queries
from conformance.engine.soak.faults import Fault
from conformance.engine.sql.writes import statements
from conformance.framecast.model import State
from conformance.framecast.operations.setups import BY_NAME, Builder
from conformance.framecast.soak import ledger
from conformance.framecast.soak.client import Client, Memory, Shared
from conformance.framecast.soak.drawing import TABLES_WRITTEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from conformance.engine.postgres.cluster import Cluster
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.progress import Say

KILLED_EVERY = (0.3, 4.0)  # seconds, from one server's start to its end
TICK = 0.5  # seconds between two lines of progress
TOLD = 12  # transactions that led to a fault
# What the run begins with: the teams that come first are those that clients meet in.
BEGINNING = (
    "a team",
    "forty nine invitations",
    "four active jobs",
    "jobs of each kind",
    "projects of each kind",
    "keys of each kind",
    "deliveries of each kind",
    "nine owned teams",
    "forty nine memberships",
)
# What only a server that may be killed needs; and many checkpoints, so that there are some to meet.
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "checkpoint_timeout": "30s",
    "max_wal_size": "64MB",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Parameters of a soak.

    Attributes:
        seconds: how long the clients work; less where a rule turns out to be broken, since nothing
            that is seen afterwards would say much.
        clients: how many there are.
        seed: what each of them draws, given the same answers.
        kill: whether the server is killed now and then.
        check_every: seconds between two times that all violation queries are asked.
        history: whether every change is kept, to be made again afterwards.
        cycles: whether what is read is kept too, to look for cycles of dependencies.
    """

    seconds: float
    clients: int
    seed: int
    kill: bool = False
    check_every: float = 5.0
    history: bool = False
    cycles: bool = False


@dataclass(slots=True)
class Report:
    """Report of a soak.

    Attributes:
        seconds: how long clients worked.
        checks: how often all violation queries were asked.
        kills, recoveries: how often the server was killed, and came back.
        found, not_found: what became of the commits that were under way at a kill.
    """

    plan: Plan
    clients: Sequence[Client]
    shared: Shared
    seconds: float = 0.0
    checks: int = 0
    kills: int = 0
    recoveries: int = 0
    found: int = 0
    not_found: int = 0
    rows: dict[str, int] = field(default_factory=dict)


class Soak:
    """The clients of one database, and who watches them."""

    def __init__(
        self,
        database: Database,
        plan: Plan,
        cluster: Cluster | None = None,
        progress: Say = lambda *_: None,
    ) -> None:
        """Fill an empty database that has the schema under test.

        Args:
            database: Ours to write to.
            plan: What is asked.
            cluster: The handle on its server, where that may be killed.
            progress: Receives how far it has come.
        """
        self._database = database
        self._plan = plan
        self._cluster = cluster
        self._progress = progress
        self._shared = Shared(database.conninfo, plan.clients, plan.cycles)
        self._clients = [Client(number, plan.seed, self._shared) for number in range(plan.clients)]
        self._random = Random(f"{plan.seed} kills")  # noqa: S311 - nothing secret
        self._report = Report(plan, self._clients, self._shared)
        with database.connect() as connection:
            if plan.history or plan.cycles:
                history.keep(connection)
            begin(connection, self._clients[0].ledger)

    def run(self) -> Report:
        """Let the clients work, and say what was seen.

        Raises:
            psycopg.Error: The database cannot be watched, though nobody killed its server.
            ProvisionError: The server does not come back.
        """
        started = monotonic()
        try:
            self._shared.up.set()
            for client in self._clients:
                client.start()
            self._watch(started)
        finally:
            self._shared.stop.set()
            for client in self._clients:
                if client.ident is not None:
                    client.join()
            self._report.seconds = monotonic() - started
        for error in self._shared.broken:
            raise error
        with self._database.connect() as connection:
            if not self._shared.faults.counts:
                self._check(connection)
            self._settle(connection)
            self._report.rows = violation_queries.count_rows(connection, TABLES_WRITTEN)
        return self._report

    def _watch(self, started: float) -> None:
        end = started + self._plan.seconds
        check = started + self._plan.check_every
        # The first comes early, for short runs have one to show as well.
        kill = started + min(self._next_kill(), self._plan.seconds / 3)
        while not self._shared.stop.is_set() and (now := monotonic()) < end:
            due = min(end, now + TICK, check, *([kill] if self._plan.kill else []))
            self._shared.stop.wait(max(due - now, 0))
            now = monotonic()
            if self._plan.kill and now >= kill:
                self._crash()
                kill = monotonic() + self._next_kill()
            elif now >= check:
                with self._database.connect() as connection:
                    self._check(connection)
                check = monotonic() + self._plan.check_every
            self._tell(now - started)

    def _next_kill(self) -> float:
        return self._random.uniform(*KILLED_EVERY)

    def _crash(self) -> None:
        """Kill the server, start it again, and look whether all is there, before work goes on."""
        if self._cluster is None:
            return
        self._shared.up.clear()
        self._shared.crashes += 1
        self._cluster.kill()
        self._report.kills += 1
        self._cluster.start()
        self._report.recoveries += 1
        with self._database.connect() as connection:
            self._check(connection)
            self._settle(connection)
        self._shared.up.set()

    def _check(self, connection: psycopg.Connection[Any]) -> None:
        """Ask all violation queries."""
        for rule, keys in violation_queries.violations(connection).items():
            told = (
                f"{violation_queries.in_words(rule)}\nrows that break it: {', '.join(keys[:3])}\n"
            )
            told += "".join(str(each) for each in self._about(keys[0]))
            self._shared.faults.add(Fault("rule broken", rule, told))
            self._shared.stop.set()
        self._report.checks += 1

    def _settle(self, connection: psycopg.Connection[Any]) -> None:
        """Compare the ledgers with the database."""
        account = ledger.compare(connection, [client.ledger for client in self._clients])
        self._report.found, self._report.not_found = account.found, account.not_found
        for fault in account.faults():
            self._shared.faults.add(fault)

    def _about(self, key: str) -> list[Memory]:
        """Return the last transactions that named a key."""
        parts = key.split(",")
        named = [
            memory
            for client in self._clients
            for memory in list(client.seen.memory)
            if any(part in each.sql for part in parts for each in memory.transaction.body)
        ]
        return sorted(named, key=lambda memory: memory.at)[-TOLD:]

    def _tell(self, seconds: float) -> None:
        done = sum(sum(client.seen.operations.values()) for client in self._clients)
        kills = f", {self._report.kills} kills" if self._plan.kill else ""
        faults = sum(self._shared.faults.counts.values())
        said = f"{done:,} operations{kills}, {faults} faults; seconds"
        worked, total = min(round(seconds, 1), self._plan.seconds), self._plan.seconds
        self._progress(said, worked, total, total - worked)


def begin(connection: psycopg.Connection[Any], own: ledger.Ledger) -> None:
    """Write the table of the ledger, and rows to begin with, some of them close to a cap.

    They are claimed in a ledger: rows that come later may go with them.
    """
    connection.execute("SET synchronous_commit = on")  # what is there from the start stays
    connection.execute(ledger.INSTALL)
    builder = Builder(State())
    for name in BEGINNING:
        BY_NAME[name](builder)
        body = [each.sql for write in builder.writes for each in statements(write)]
        connection.execute(";\n".join(["BEGIN", *body, "COMMIT"]))
        own.claim(builder.writes)
        builder.writes.clear()
