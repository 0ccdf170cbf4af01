"""Queries of the product cost what they return, however many rows there are."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

import pytest

from benchmarks.product_queries import QUERIES
from benchmarks.query_cost import measured
from conformance.engine.database.session import Session
from conformance.engine.sql.outcomes import Accepted
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Scratch, Template

SMALL, LARGE = 2_000, 20_000
# Blocks that a statement may read or find, with its triggers, keys, indexes and catalogue.
BOUND: Final = 150
# One that changes six tables, once for an account.
MORE: Final = {"erase an account": 600}
# Bytes of the log that a change of a job's or project's status may write, with the job's own row.
LOGGED: Final = 6_000
TRIES: Final = 40
HERE: Final = "pg_current_wal_insert_lsn()"


@pytest.fixture(scope="module")
def buffers(scratch: Scratch, template: Template) -> dict[int, dict[str, int]]:
    """The blocks that each query touches, at two sizes of the tables."""
    return {size: measured(scratch, template, size) for size in (SMALL, LARGE)}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_costs_what_it_returns(name: str, buffers: dict[int, dict[str, int]]) -> None:
    """With all that its triggers ask, it touches no more blocks than a bound that does not grow."""
    small, large = (buffers[size][name] for size in (SMALL, LARGE))
    assert large <= MORE.get(name, BOUND)
    assert large <= small * 1.5 + 30, f"{small} blocks, then {large}"


def test_a_rendering_does_not_index_the_storyboard(scratch: Scratch, template: Template) -> None:
    """Moves of a project write as little where its spec is large as where it is not."""
    world = World()
    team, owner = world.team()
    keys = [world.project(team, owner)["id"] for _ in range(2)]
    jobs = [world.a_job(owner, urn_of_team(team), project_id=key) for key in keys]
    made = "INSERT INTO jobs (id, owner, triggered_by, project_id, spec_snapshot)"
    with scratch.cloned(template, "storyboard") as database, Session(database.conninfo) as session:
        assert Accepted() == session.transact(world.given)
        for key, scenes in zip(keys, (1, 5_000), strict=True):
            spec = {"scenes": [{"number": n, "text": f"scene {n * 7919}"} for n in range(scenes)]}
            session.connection.execute(
                "UPDATE projects SET spec = %s WHERE id = %s", [json.dumps(spec), key]
            )
        for job, key in zip(jobs, keys, strict=True):
            for statement in (
                f"{made} SELECT '{job['id']}', '{job['owner']}', '{owner['id']}', '{key}', '{{}}'",
                f"UPDATE jobs SET status = 'processing' WHERE id = '{job['id']}'",
                f"UPDATE jobs SET status = 'completed', output = '{{}}' WHERE id = '{job['id']}'",
                f"UPDATE projects SET name = 'Other' WHERE id = '{key}'",
                f"UPDATE projects SET status = 'archived' WHERE id = '{key}'",
                f"UPDATE projects SET spec = spec WHERE id = '{key}'",
            ):
                assert logged(session, statement) <= LOGGED, statement


def logged(session: Session, statement: str) -> int:
    """Carry out a statement, and return the bytes of the write-ahead log that it writes.

    The server counts what all its sessions write: the least of many tries is the statement's own.
    """
    least = sys.maxsize
    for end in (*["ROLLBACK"] * TRIES, "COMMIT"):
        if end == "COMMIT" or least > LOGGED:
            ((before,),) = session.fetch(f"SELECT {HERE}")
            session.connection.execute(f"BEGIN; {statement}; {end}")
            ((after,),) = session.fetch(f"SELECT pg_wal_lsn_diff({HERE}, '{before}')::integer")
            least = min(least, int(str(after)))
    return least
