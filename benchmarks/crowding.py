"""Cost of a job beside what stands for long: many jobs of one team and user, and an open snapshot.

The lower quartile of the time of a job's INSERT, and the blocks that it touches: with few jobs,
with many that are all of one team and one user, then after more and more jobs of that team while
somebody's snapshot stays open, and once it is closed.

    python -m benchmarks.crowding
    python -m benchmarks.crowding --jobs 100000 --beside 9000
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

from benchmarks.product_queries import OWNER, QUERIES, USER
from benchmarks.query_cost import filled, touched
from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import opened

if TYPE_CHECKING:
    import psycopg

    from conformance.engine.postgres.scratch import Database

MIGRATIONS = Path(__file__).parent.parent / "migrations"
MAKE: Final = QUERIES["make a job"]
TIMED: Final = 200  # jobs
ALL_OF_ONE: Final = f"""
SET session_replication_role = replica;
UPDATE jobs SET owner = {OWNER}, triggered_by = {USER} WHERE status = 'canceled';
SET session_replication_role = origin;
"""
# A job that is made and ends, in a transaction of its own.
ENDS: Final = f"""
DO $$
BEGIN
    FOR n IN 1..%s LOOP
        {MAKE};
        UPDATE jobs SET status = 'canceled', failure_type = 'canceled'
        WHERE owner = {OWNER} AND status = 'queued';
        COMMIT;
    END LOOP;
END;
$$
"""


def crowded(connection: psycopg.Connection[Any], size: int) -> None:
    """Fill the tables, with about so many finished jobs, all of one team and one user."""
    filled(connection, size)
    connection.execute(ALL_OF_ONE.encode())
    connection.execute("VACUUM ANALYZE")


def makes_and_ends(connection: psycopg.Connection[Any], count: int) -> None:
    """Make so many jobs of the team, one after the other, each of which ends."""
    connection.execute((ENDS % count).encode())


def line(database: Database, connection: psycopg.Connection[Any], what: str) -> str:
    """Return a line of the table: what a job's INSERT takes now."""
    taken = []
    for _ in range(TIMED):
        connection.execute("BEGIN")
        begun = time.perf_counter_ns()
        connection.execute(MAKE.encode(), prepare=True)
        taken.append(time.perf_counter_ns() - begun)
        connection.execute("ROLLBACK")
    spent = quantiles(taken, n=4)[0] / 1_000_000
    return f"| {what} | {spent:.2f} ms | {touched(database.conninfo, MAKE)} |"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=100_000, help="of the team and the user")
    parser.add_argument("--beside", type=int, default=9_000, help="while a snapshot is open")
    parser.add_argument("--postgres", type=int, help="a major version")
    given = parser.parse_args()
    with provision(Request(major=given.postgres)) as server, opened(server) as scratch:
        template = scratch.template(MIGRATIONS)
        print(server.origin, "| a job is made | time | blocks |", "|---|---|---|", sep="\n")
        for count in (100, given.jobs):
            with (
                scratch.cloned(template, "crowding") as database,
                database.connect() as client,
                database.connect() as reader,
            ):
                crowded(client, count)
                print(line(database, client, f"among {count:,} of its team and user"))
                if count == given.jobs:
                    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM teams")
                    for part in (1, 2):
                        makes_and_ends(client, given.beside // 2)
                        beside = given.beside // 2 * part
                        print(line(database, client, f"and {beside:,} while a snapshot is open"))
                    reader.execute("COMMIT")
                    print(line(database, client, "and when it is closed"))


if __name__ == "__main__":
    main()
