"""Designs for a cap, side by side: at most five active jobs a team, on tables with little else.

Each design is a copy of one small table, in a schema of its own, with what enforces the cap. All
do the same work in turns: a job is inserted, then finished, each in a transaction of its own. Then
two sessions race, at each isolation level, where there is room for one of them (so that one must
be refused) and where there is room for both (so that neither should be).

    python -m benchmarks.cap_designs
    python -m benchmarks.cap_designs --rounds 200 --jobs 200

Prints a table for docs/caps.md. Ratios are to the same work on the bare table, from the same run.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as StillWaiting
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks import timing
from benchmarks.cap_sql import BARE, DESIGNS, TABLES
from conformance.engine.postgres import Request, provision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TEAMS = 1_000  # that the tables hold
CAP = 5
LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
SETTINGS = {"autovacuum": "off"}
REPEATS = 10  # of what two sessions do at once
PATIENCE = 0.2  # seconds after which a session surely waits for the other

INSERT = "INSERT INTO {}.jobs (id, team_id) VALUES (%s, %s)"
FINISH = "UPDATE {}.jobs SET active = FALSE WHERE id = %s"
CONFLICTS = {"40001", "40P01"}  # what a client answers by trying again


def job(design: str, ids: Iterator[int], team: int | None = None) -> list[timing.Step]:
    """Return the statements for one job, of the next team unless one is named."""
    number = next(ids)
    team = number % TEAMS if team is None else team
    return [
        ("insert", INSERT.format(design).encode(), [number, team]),
        ("finish", FINISH.format(design).encode(), [number]),
    ]


def alone(conninfo: str, ids: Iterator[int], rounds: int) -> dict[str, float]:
    """Return the microseconds that a job takes in one session, by design."""
    with connect(conninfo) as conn:
        work = {design: partial(job, design, ids) for design in DESIGNS}
        times = timing.measure(conn, work, rounds)
    return {design: timing.total(times, design) for design in DESIGNS}


def together(
    conninfo: str, ids: Iterator[int], jobs: int, teams: tuple[int, int]
) -> dict[str, float]:
    """Return the microseconds that a job takes when two sessions do them at once, by design.

    The best of a few repeats: what else goes on in the machine only adds to the others.
    """
    taken: dict[str, list[float]] = {design: [] for design in DESIGNS}
    with connect(conninfo) as one, connect(conninfo) as two, ThreadPoolExecutor(2) as pool:
        for _ in range(1 + REPEATS):  # the first time warms up
            for design, times in taken.items():
                work = [[job(design, ids, team) for _ in range(jobs)] for team in teams]
                begun = time.perf_counter()
                wait([pool.submit(run, *each) for each in zip((one, two), work, strict=True)])
                times.append((time.perf_counter() - begun) / (2 * jobs) * 1e6)
    return {design: min(times[1:]) for design, times in taken.items()}


def run(conn: psycopg.Connection[Any], jobs: list[list[timing.Step]]) -> None:
    """Do jobs one after the other; what is refused is refused."""
    for steps in jobs:
        for _, statement, parameters in steps:
            with suppress(psycopg.errors.IntegrityError):
                conn.execute(statement, parameters)


def race(conninfo: str, design: str, ids: Iterator[int], level: str, room: int) -> str:
    """Let two sessions, which both saw the same jobs, insert one each; tell what came of it.

    Args:
        conninfo: the database.
        design: which one.
        ids: numbers for jobs.
        level: the isolation level of both.
        room: how many jobs the team has room for, 1 or 2.

    Returns:
        What came of it: see `verdict`.
    """
    team = TEAMS + next(ids)
    insert = INSERT.format(design).encode()
    with connect(conninfo) as conn:
        conn.execute(f"INSERT INTO {design}.teams (id) VALUES ({team})".encode())
        for _ in range(CAP - room):
            conn.execute(insert, [next(ids), team])
    with psycopg.connect(conninfo) as one, psycopg.connect(conninfo) as two:
        for conn in (one, two):
            conn.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            conn.execute("SELECT 1")  # takes the snapshot
        one.execute(insert, [next(ids), team])
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(commit, two, insert, [next(ids), team])
            with suppress(StillWaiting):
                second.result(PATIENCE)
            told = {commit(one), second.result()}
        row = one.execute(
            f"SELECT count(*) FROM {design}.jobs WHERE team_id = %s AND active".encode(), [team]
        ).fetchone()
    assert row
    return verdict(row[0] - (CAP - room), room, told)


def commit(
    conn: psycopg.Connection[Any], statement: bytes = b"", parameters: Sequence[int] = ()
) -> str:
    """Commit, after a statement if one is given; return the SQLSTATE of what went wrong."""
    try:
        if statement:
            conn.execute(statement, parameters)
        conn.commit()
    except psycopg.Error as error:
        conn.rollback()
        return error.sqlstate or "lost"
    return ""


def verdict(added: int, room: int, told: set[str]) -> str:
    """Say how a race ended."""
    if added > room:
        return "**overshoots**"
    if added == room:
        return "exact"
    return "try again" if told & CONFLICTS else "**refuses**"


def connect(conninfo: str) -> psycopg.Connection[Any]:
    """Connect, so that each statement is prepared at once and is a transaction of its own."""
    return psycopg.connect(conninfo, autocommit=True, prepare_threshold=0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=2_000, help="of each design, alone")
    parser.add_argument("--jobs", type=int, default=200, help="of each of two sessions at once")
    given = parser.parse_args()
    ids = count(1)
    with provision(Request(), SETTINGS) as server:
        with connect(server.conninfo) as conn:
            for design, enforcement in DESIGNS.items():
                script = (TABLES + enforcement).replace("DESIGN", design)
                conn.execute(script.encode(), prepare=False)
        columns = (
            alone(server.conninfo, ids, given.rounds),
            together(server.conninfo, ids, given.jobs, (1, 2)),
            together(server.conninfo, ids, given.jobs, (1, 1)),
        )
        print(server.origin, end="\n\n")
        races = [f"{level.lower()}, room for {room}" for room in (1, 2) for level in LEVELS]
        titles = ("design", "alone", "two sessions, two teams", "two sessions, one team", *races)
        print("|", " | ".join(titles), "|")
        print("|" + "---|" * len(titles))
        for design in DESIGNS:
            times = [f"{times[design] / times[BARE]:.2f}" for times in columns]
            ends = [
                race(server.conninfo, design, ids, level, room)
                for room in (1, 2)
                for level in LEVELS
            ]
            print("|", " | ".join((design, *times, *ends)), "|")
        print("\nbare:", ", ".join(f"{times[BARE]:.0f} µs" for times in columns))


if __name__ == "__main__":
    main()
