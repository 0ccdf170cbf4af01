"""Cost of the schema: a team's job is inserted and finished, guarded and on bare tables.

Three statements, each a transaction of its own, prepared, as a client sees them over a local
socket: the job is inserted queued (with a storyboard of about 2 KB), then updated to processing,
then to completed with its output. They run on the schema and on bare copies of its tables in the
same database, in turns, each time for another team, and the lower quartiles of their times are
compared: what else goes on in the machine adds to the rest.

Bare means the same columns, keys and indexes, no other constraint and no trigger. The keys are the
primary, unique and foreign ones: that is `bare`, which the last line speaks of. `bare, no foreign
keys` shows what those are worth.

All is run four times: with durability off and on, each on a database with many jobs and on one
with none. Off means fsync, synchronous_commit and full_page_writes off.

    python -m benchmarks.job_cost
    python -m benchmarks.job_cost --teams 100 --active 1000 --finished 10000 --rounds 300
    python -m benchmarks.job_cost --than DIR --durability off --finished 5000 --active 2000

With `--than` the schema of another folder takes turns with this one, each against its own bare
tables, and the medians of the turns are printed. Else the last line, `ratio: N.NN`, is guarded /
bare with many jobs and durability off.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import uuid
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks import dataset, timing
from conformance.engine.deployment import migrations
from conformance.engine.postgres import Request, folders, provision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.postgres import Server

MIGRATIONS = Path(__file__).parent.parent / "migrations"

# (name, schema) of what is compared, in the order of the columns of the table.
GUARDED, BARE, KEYLESS = "guarded", "bare", "bare, no foreign keys"
SCHEMAS = {GUARDED: "public", BARE: "bare", KEYLESS: "keyless"}
STATEMENTS = ("insert", "to processing", "to completed")

DURABILITY = {
    "off": {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
    "on": {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"},
}
TURNS = 5
# Nothing else may run while we measure, and all fits into memory.
SETTINGS = {
    "autovacuum": "off",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "16GB",
    "shared_buffers": "2GB",
}

INSERT = """
INSERT INTO {schema}.jobs (id, owner, triggered_by, spec_snapshot) VALUES (%s, %s, %s, %s)
"""
PROCESSING = """
UPDATE {schema}.jobs SET status = 'processing', started_at = now() WHERE id = %s
"""
COMPLETED = """
UPDATE {schema}.jobs
SET status = 'completed', completed_at = now(), output = %s, output_size_bytes = 1048576,
    credits_charged = 10
WHERE id = %s
"""

SCENE = {
    "kind": "scene",
    "prompt": "A slow pan over a harbour at dawn; gulls, and a boat that leaves without a sound",
    "duration": 4.5,
    "camera": {"from": [0.1, 0.4, 1.0], "to": [0.8, 0.45, 1.2], "ease": "in-out"},
    "voice": {"text": "Nobody had asked where she was going.", "speaker": "narrator"},
}
SPEC = json.dumps({"title": "Harbour", "scenes": [{**SCENE, "number": n} for n in range(6)]})
OUTPUT = json.dumps({"video": "renders/2f1c/final.mp4", "width": 1920, "height": 1080})


def job(schema: str, teams: Sequence[tuple[str, uuid.UUID]]) -> list[timing.Step]:
    """Return the three statements for a new job of any of the teams."""
    owner, member = random.choice(teams)  # noqa: S311 - no secret
    key = uuid.uuid4()
    return [
        (name, text.format(schema=schema).encode(), parameters)
        for name, text, parameters in (
            (STATEMENTS[0], INSERT, [key, owner, member, SPEC]),
            (STATEMENTS[1], PROCESSING, [key]),
            (STATEMENTS[2], COMPLETED, [OUTPUT, key]),
        )
    ]


def measure(conn: psycopg.Connection[Any], rounds: int) -> timing.Times:
    """Measure all variants on a database that has been prepared."""
    teams = conn.execute(
        "SELECT 'framecast:team:' || team_id, user_id FROM memberships WHERE role = 'member'"
    ).fetchall()
    return timing.measure(
        conn, {name: partial(job, schema, teams) for name, schema in SCHEMAS.items()}, rounds
    )


@contextmanager
def prepared(
    server: Server, name: str, size: dataset.Size, folder: Path = MIGRATIONS
) -> Iterator[psycopg.Connection[Any]]:
    """Make a database with a schema, its rows and the bare copies."""
    with psycopg.connect(server.conninfo, autocommit=True) as maintenance:
        maintenance.execute(f"CREATE DATABASE {name}".encode())
    with psycopg.connect(server.conninfo, dbname=name, autocommit=True) as conn:
        migrations.install(conn, migrations.load(folder))
        dataset.load(conn, size)
        dataset.copy_bare(conn, SCHEMAS[BARE], foreign_keys=True)
        dataset.copy_bare(conn, SCHEMAS[KEYLESS], foreign_keys=False)
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")
        conn.prepare_threshold = 0
        yield conn


@contextmanager
def on_disk() -> Iterator[None]:
    """Let servers live on a disk, as durability costs nothing in memory."""
    memory = folders.MEMORY
    folders.MEMORY = Path(tempfile.gettempdir(), "framecast-has-no-memory")
    try:
        yield
    finally:
        folders.MEMORY = memory


def show(title: str, times: timing.Times) -> None:
    """Print one run as a table."""
    print(f"\n{title}")
    print(f"{'':16}" + "".join(f"{name:>24}" for name in SCHEMAS) + "   guarded / bare")
    sums = {(name, "together"): timing.total(times, name) for name in SCHEMAS}
    for statement in (*STATEMENTS, "together"):
        found = [(times | sums)[name, statement] for name in SCHEMAS]
        print(
            f"{statement:16}"
            + "".join(f"{time:>21.0f} µs" for time in found)
            + f"   {found[0] / found[1]:.2f} ({found[0] / found[2]:.2f} without foreign keys)"
        )


def compare(server: Server, folder: Path, size: dataset.Size, rounds: int) -> None:
    """Measure this schema and that of another folder in turns, and print a line for each."""
    with (
        prepared(server, "this", size) as this,
        prepared(server, "other", size, folder) as other,
    ):
        databases = {MIGRATIONS: this, folder: other}
        turns: dict[Path, list[timing.Times]] = {each: [] for each in databases}
        for _ in range(TURNS):
            for each, conn in databases.items():
                turns[each].append(measure(conn, rounds // TURNS))
    for each, times in turns.items():
        guarded, bare = ([timing.total(one, name) for one in times] for name in (GUARDED, BARE))
        ratios = [a / b for a, b in zip(guarded, bare, strict=True)]
        print(
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), {median(guarded):.0f}"
            f" µs guarded and {median(bare):.0f} µs bare, in {TURNS} turns: {each}"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teams", type=int, default=10_000)
    parser.add_argument("--active", type=int, default=100_000)
    parser.add_argument("--finished", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3_000, help="of each variant in each run")
    parser.add_argument("--durability", choices=["off", "on", "both"], default="both")
    parser.add_argument("--than", type=Path, metavar="DIR", help="another folder of migrations")
    given = parser.parse_args()
    wanted = ("on", "off") if given.durability == "both" else (given.durability,)
    size = dataset.Size(given.teams, given.active, given.finished)
    ratio = 0.0
    for durability in wanted:
        settings = {**SETTINGS, **DURABILITY[durability]}
        with on_disk(), provision(Request(), settings) as server:
            print(f"\n{server.origin}, durability {durability}")
            if given.than:
                compare(server, given.than, size, given.rounds)
                continue
            with prepared(server, "empty", dataset.Size(given.teams, 0, 0)) as conn:
                empty = measure(conn, given.rounds)
            show("no jobs before", empty)
            with prepared(server, "loaded", size) as conn:
                loaded = measure(conn, given.rounds)
            show(f"{size.active:,} active and {size.finished:,} finished jobs before", loaded)
        times = {name: (timing.total(loaded, name), timing.total(empty, name)) for name in SCHEMAS}
        print("\nloaded / empty: ", ", ".join(f"{n} {a / b:.2f}" for n, (a, b) in times.items()))
        ratio = times[GUARDED][0] / times[BARE][0]
    if not given.than:
        print(f"ratio: {ratio:.2f}")


if __name__ == "__main__":
    main()
