"""States that a schema's data can be in: every status, every cap, and what random runs lead to.

Each is reached by the suite's machines on a scratch database with the schema as it is, under the
eyes of their judges; then its rows are taken out, so that they can be put where a migration is to
be tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.gate import unknown_data
from conformance.engine.gate.rows import rows_of
from conformance.engine.gate.state import State
from conformance.engine.pytest_plugin.profiles import PHASES
from conformance.framecast.machines.coverage_runs import COUNTS, PAIRS, CoverageRun
from conformance.framecast.machines.runner import MACHINES, MachineRunner
from conformance.framecast.model.moves import MOVES
from conformance.framecast.operations.setups import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.database.session import Session
    from conformance.engine.gate.unknown_data import Literals
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.progress import Say
    from conformance.framecast.machines.machine import Machine
    from conformance.framecast.machines.run import MachineRun

NOTHING_SAID = unknown_data.Literals()
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
# JSON that no rule speaks of, and no bookkeeping is kept of.
OF_KEYS = (("teams", "settings"), ("jobs", "options"), ("asset_files", "metadata"))
# Moves all times of a table by as much, so that none of them overtakes another.
LONG_AGO = """
SELECT format('UPDATE %s SET %s', c.oid::regclass, string_agg(
    format('%1$I = %1$I - interval $$400 days$$', a.attname), ', ' ORDER BY a.attnum))
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
    AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype) AND a.attgenerated = ''
GROUP BY c.oid ORDER BY 1
"""
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


def reached(
    database: Database, seed: int | str, say: Say, said: Literals = NOTHING_SAID
) -> Iterator[State]:
    """Yield every state, reached on a scratch database with nothing in it but its schema.

    Args:
        database: the scratch database.
        seed: of the random runs.
        say: receives how far it has come before each.
        said: the literals of the files that are to be tried, which choose rows by them.
    """
    said = said.anew()
    with Sandbox(database.conninfo) as sandbox:
        runner = MachineRunner(sandbox, seed)
        ways = list(_ways(runner))
        for number, (name, lead) in enumerate(ways):
            say(f"reaching {name}", number, len(ways))
            try:
                lead()
                trouble = ""
            except Finding as finding:
                trouble = str(finding).partition("\n  on a fresh")[0]
            # Every other state lies long ago, so that what is kept for a time is there both ways.
            rows, unfilled = _filled(sandbox.session, said, long_ago=number % 2 == 1)
            yield State(name, rows, trouble, tuple(unfilled))


def _ways(runner: MachineRunner) -> Iterator[tuple[str, Callable[[], None]]]:
    for setup in BY_NAME:
        if setup != "nothing":
            yield setup, _setup(runner.new_run, setup)
    for rule, count in COUNTS.items():
        yield f"at the cap of {rule}", _coverage_run(runner.new_run, count)
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


def _setup(new_run: Callable[[], MachineRun], name: str) -> Callable[[], None]:
    return lambda: new_run().begin(name)


def _coverage_run(
    new_run: Callable[[], MachineRun], lead: Callable[[MachineRun], None]
) -> Callable[[], None]:
    return lambda: lead(new_run())


def _pair(
    new_run: Callable[[], MachineRun], machine: str, before: str | None, after: str
) -> Callable[[], None]:
    return lambda: PAIRS[machine](CoverageRun(new_run()), before, after)


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


def _filled(
    session: Session, said: Literals, *, long_ago: bool
) -> tuple[dict[str, tuple[str, bytes]], list[str]]:
    """Fill what no rule speaks of, take the rows out, and leave them as they were.

    Returns:
        The rows, and the tables for which none were found.
    """
    connection = session.connection
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")
        for table, column, value in FREE:
            if session.fetch(COLUMN.format(table, column)):
                empty = f"WHERE {column} IS NULL OR {column}::text = '{{}}'"
                connection.execute(f"UPDATE {table} SET {column} = {value} {empty}".encode())
                if said.words and (table, column) in OF_KEYS:
                    further = sql.Literal(unknown_data.as_json(said.words))
                    change = sql.SQL("UPDATE {} SET {} = {} || {}").format(
                        *map(sql.Identifier, (table, column, column)), further
                    )
                    connection.execute(change)
        unfilled = unknown_data.fill(connection, said)
        if long_ago:
            for (moved,) in session.fetch(LONG_AGO):
                connection.execute(str(moved).encode())
        return rows_of(session), unfilled
