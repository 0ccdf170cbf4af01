"""States that a schema's data can be in: every status, every cap, and what random runs lead to.

Each is reached by the suite's machines on a scratch database with the schema as it is, under the
eyes of their judges; then its rows are taken out, so that they can be put where a migration is to
be tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.cases.verdicts import Finding
from conformance.database.sandbox import TABLES, Sandbox
from conformance.framecast.model.moves import MOVES
from conformance.framecast.operations.preludes import BY_NAME
from conformance.machines.coverage_runs import COUNTS, PAIRS, Tour
from conformance.machines.runner import MACHINES, MachineRunner
from conformance.pytest_plugin.profiles import PHASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conformance.database.session import Session
    from conformance.machines.machine import Machine
    from conformance.machines.run import MachineRun
    from conformance.postgres.scratch import Database

RUNS = 4  # of each machine: the last one's rows are taken
STEPS = 20

# Columns that no rule speaks of, so that a migration that loses them is seen to. Filled where a
# schema has them, with triggers off.
FREE = (
    ("users", "name", "CASE WHEN email NOT LIKE '%@erased.invalid' THEN 'Ann' END"),
    (
        "users",
        "avatar_url",
        "CASE WHEN email NOT LIKE '%@erased.invalid' THEN 'https://example.com/ann.png' END",
    ),
    ("teams", "settings", """'{"theme": "dark"}'"""),
    ("api_keys", "last_used_at", "created_at"),
    ("projects", "spec", """'{"scenes": [1]}'"""),
    ("jobs", "options", """'{"fps": 30}'"""),
    ("jobs", "progress", """'{"scene": 1}'"""),
    ("jobs", "output_size_bytes", "1"),
    ("jobs", "idempotency_key", "'once ' || id"),
    ("asset_files", "metadata", """'{"width": 1}'"""),
    ("webhooks", "last_triggered_at", "created_at"),
    ("webhook_deliveries", "response_status", "500"),
    ("webhook_deliveries", "response_body", "'no'"),
    ("webhook_deliveries", "next_retry_at", "created_at"),
)
OTHERS = """
INSERT INTO usage (owner, period, renders_count, render_seconds, credits_used, credits_refunded,
    api_calls)
VALUES ('framecast:user:00000000-0000-0000-0000-000000000001', '2026-11', 1, 2, 3, 1, 5);
INSERT INTO system_assets (id, category, name, description, duration_seconds, s3_key, content_type,
    size_bytes, tags)
VALUES ('asset_sfx_click', 'sfx', 'Click', 'a click', 0.5, 'click', 'audio/wav', 9, '{short}')
"""
COLUMN = """
SELECT FROM pg_attribute WHERE attrelid = to_regclass('{}') AND attname = '{}' AND NOT attisdropped
"""


@dataclass(frozen=True, slots=True)
class State:
    """Rows that are legal together.

    Attributes:
        name: how it was reached.
        rows: by table with its schema: its columns, and its rows as COPY has them.
        trouble: what went wrong on the way, or ''.
    """

    name: str
    rows: Mapping[str, tuple[str, bytes]]
    trouble: str = ""


def reached(database: Database, seed: int | str, say: Callable[[str], None]) -> Iterator[State]:
    """Yield every state, reached on a scratch database with nothing in it but its schema."""
    with Sandbox(database.conninfo) as sandbox:
        runner = MachineRunner(sandbox, seed)
        for name, lead in _ways(runner):
            say(f"reaching {name}")
            try:
                lead()
                trouble = ""
            except Finding as finding:
                trouble = str(finding).partition("\n  on a fresh")[0]
            yield State(name, _filled(sandbox.session), trouble)


def _ways(runner: MachineRunner) -> Iterator[tuple[str, Callable[[], None]]]:
    for prelude in BY_NAME:
        if prelude != "nothing":
            yield prelude, _prelude(runner.new_run, prelude)
    for rule, count in COUNTS.items():
        yield f"at the cap of {rule}", _tour(runner.new_run, count)
    for machine, moves in MOVES.items():
        for before, after in moves.pairs():
            if (before, after) in moves.legal:
                yield (
                    f"{machine} {before or 'new'} -> {after}",
                    _pair(runner.new_run, machine, before, after),
                )
    yield "usage and sounds", _others(runner)
    for each in MACHINES:
        yield f"a run of {each.__name__}", _walk(runner, each)


def _prelude(new_run: Callable[[], MachineRun], name: str) -> Callable[[], None]:
    return lambda: new_run().begin(name)


def _tour(
    new_run: Callable[[], MachineRun], lead: Callable[[MachineRun], None]
) -> Callable[[], None]:
    return lambda: lead(new_run())


def _pair(
    new_run: Callable[[], MachineRun], machine: str, before: str | None, after: str
) -> Callable[[], None]:
    return lambda: PAIRS[machine](Tour(new_run()), before, after)


def _others(runner: MachineRunner) -> Callable[[], None]:
    def lead() -> None:
        run = runner.new_run()
        run.begin("a team")
        run.sandbox.session.connection.execute(OTHERS)

    return lead


def _walk(runner: MachineRunner, machine: type[Machine]) -> Callable[[], None]:
    def lead() -> None:
        from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415 - slow to import

        how = settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            database=None,
            deadline=None,
            phases=tuple(phase for phase in PHASES if phase is Phase.generate),
            suppress_health_check=tuple(HealthCheck),
        )
        runner.run(machine, how)

    return lead


def _filled(session: Session) -> dict[str, tuple[str, bytes]]:
    """Fill the free columns, take the rows out, and leave them as they were."""
    connection = session.connection
    taken = {}
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")
        for table, column, value in FREE:
            if session.fetch(COLUMN.format(table, column)):
                empty = f"WHERE {column} IS NULL OR {column}::text = '{{}}'"
                connection.execute(f"UPDATE {table} SET {column} = {value} {empty}".encode())
        for name, columns in session.fetch(TABLES):
            copy = f"COPY (SELECT {columns} FROM {name}) TO STDOUT"
            with connection.cursor().copy(copy.encode()) as rows:
                taken[str(name)] = str(columns), b"".join(bytes(data) for data in rows)
    return taken
