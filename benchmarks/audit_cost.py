"""Cost of the audit of a full database, against one sequential scan of its tables.

Run it as ``python -m benchmarks.audit_cost``, or ``just bench audit_cost``. The last lines are the
ratios of the audit's time to the scan's, with what constraints prove left alone and with
``--paranoid``; all are the best of some rounds, taken in turns. A scan that counts rows looks at no
column; one that looks at all, as the audit must, stands beside it.

The server's files are in memory where there is room. With ``--cold`` they are on a disk, and each
time is taken with nothing of them in memory, as for a database that is larger: for root, on Linux.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.audit_dataset import load
from conformance.engine.audit import proven, questions, snapshot
from conformance.engine.audit.description import describe
from conformance.engine.audit.sessions import beside
from conformance.engine.audit.target import Limits, reading
from conformance.engine.postgres import Request, folders, provision, scratch
from conformance.framecast.rules import RULES

if TYPE_CHECKING:
    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection

COLUMNS = """
    SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
CACHES = Path("/proc/sys/vm/drop_caches")
MIGRATIONS = Path(__file__).parent.parent / "migrations"
TABLES = """
    SELECT format('%I.%I', schemaname, relname), n_live_tup, pg_table_size(relid)
     FROM pg_stat_user_tables WHERE n_live_tup > 0 ORDER BY 2 DESC
"""
ALONE = (
    "max_parallel_workers_per_gather = 0",
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
    "enable_bitmapscan = off",
)


def scan(conn: Connection, tables: list[str], *, look: bool = False) -> float:
    """Read every row of every table once, in one process, and return the seconds.

    Args:
        conn: in a transaction.
        tables: their names.
        look: whether to look at every column of each row, too.
    """
    for setting in ALONE:
        conn.execute(f"SET LOCAL {setting}".encode())
    queries = [f"SELECT count(*) FROM {table}" for table in tables]
    if look:
        columns = [conn.execute(COLUMNS, [table]).fetchall()[0][0] for table in tables]
        queries = [
            f"{query} WHERE num_nonnulls({names}) < 0"
            for query, names in zip(queries, columns, strict=True)
        ]
    begun = time.perf_counter()
    for query in queries:
        conn.execute(query.encode())
    return time.perf_counter() - begun


def audit(conn: Connection, url: str, sessions: int, made: Description | None = None) -> float:
    """Ask all rules in so many sessions, and return the seconds.

    With a description of the schema, what constraints prove is not asked of the rows.

    Raises:
        AssertionError: a rule is broken, or could not be asked.
    """
    begun = time.perf_counter()
    left = proven.questions(conn, made, describe(conn)) if made is not None else None
    with beside(conn, url, Limits(), sessions - 1) as others:
        section = snapshot.ask(conn, lambda *_: None, others, questions=left)
    taken = time.perf_counter() - begun
    assert not section.faults, section.faults
    return taken


def forget() -> None:
    """Drop what the system keeps of files in memory."""
    os.sync()
    CACHES.write_text("3", encoding="ascii")


def each(conn: Connection) -> None:
    """Print what each query of the audit takes."""
    for question in questions.of_rules(RULES.values()):
        begun = time.perf_counter()
        conn.execute(question.sql.encode()).fetchall()
        print(f"{time.perf_counter() - begun:8.3f} s  {', '.join(question.rules)}")


def main() -> None:
    """Load, measure, and print."""
    options = _options()
    fresh = forget if options.cold else lambda: None
    if options.cold:
        folders.MEMORY = Path("not in memory")
    with provision(Request(major=options.postgres)) as server, scratch.opened(server) as opened:
        database = opened.clone(opened.template(MIGRATIONS), "audit_cost")
        with database.connect() as conn:
            begun = time.perf_counter()
            load(conn, options.rows)
            print(f"loaded in {time.perf_counter() - begun:.0f} s on {server.origin}")
            facts: list[Any] = conn.execute(TABLES).fetchall()
        for table, rows, size in facts:
            print(f"{table:<32} {rows:>10} rows {size / 2**20:>8.0f} MiB")
        total = sum(rows for _, rows, _ in facts)
        print(f"{total} rows, {sum(size for _, _, size in facts) / 2**20:.0f} MiB")
        tables = [table for table, _, _ in facts]
        with reading(database.conninfo, Limits()) as conn:
            made = describe(conn)
        scans, looks, audits, paranoid = [], [], [], []
        for _ in range(options.rounds):
            with reading(database.conninfo, Limits()) as conn:
                fresh()
                scans.append(scan(conn, tables))
                fresh()
                looks.append(scan(conn, tables, look=True))
            with reading(database.conninfo, Limits()) as conn:
                fresh()
                audits.append(audit(conn, database.conninfo, options.sessions, made))
            with reading(database.conninfo, Limits()) as conn:
                fresh()
                paranoid.append(audit(conn, database.conninfo, options.sessions))
        if options.each:
            with reading(database.conninfo, Limits()) as conn:
                each(conn)
    print(f"sequential scan: {min(scans):.2f} s of {_all(scans)}")
    print(f"one that looks at every column: {min(looks):.2f} s of {_all(looks)}")
    for name, times in (("audit", audits), ("audit --paranoid", paranoid)):
        best = min(times)
        print(f"{name}: {best:.2f} s of {_all(times)}")
        print(f"{name} / one that looks at every column: {best / min(looks):.2f}")
        print(f"{name} / one that counts: {best / min(scans):.2f}")


def _all(times: list[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in times)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="in all (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (%(default)s)")
    parser.add_argument("--sessions", type=int, default=2, help="that ask at once (%(default)s)")
    parser.add_argument("--postgres", type=int, metavar="N", help="the major version")
    parser.add_argument("--cold", action="store_true", help="nothing in memory before each")
    parser.add_argument("--each", action="store_true", help="print what each query takes, too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
