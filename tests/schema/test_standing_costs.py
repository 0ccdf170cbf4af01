"""Costs of a query beside many jobs of one, another locale, or a snapshot: none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from benchmarks.crowding import crowded, makes_and_ends
from benchmarks.product_queries import OWNER, QUERIES, TEAM, USER
from benchmarks.query_cost import NAMES, filled, touched
from conformance.engine.deployment import migrations
from conformance.engine.postgres import Request, provision
from tests.framecast.races.test_key_order import MIGRATIONS
from tests.schema.test_product_queries import BOUND, MORE

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Scratch, Template

FEW, MANY = 400, 4_000
# Those that are about jobs.
JOBS: Final = (
    *("claim a job", "claim and start a job", "list a team's jobs", "turn a page of a team's jobs"),
    *("make a job", "render a project", "make a starter's job", "delete a finished job"),
    *("erase an account", "list all jobs, newest first"),
)
STARTER: Final = NAMES[":starter"]
STARTERS: Final = f"""
INSERT INTO jobs (owner, triggered_by, spec_snapshot)
VALUES ('framecast:user:' || {STARTER}, {STARTER}, '{{}}');
UPDATE jobs SET status = 'canceled', failure_type = 'canceled'
WHERE triggered_by = {STARTER} AND status = 'queued'
"""
# Whether there were as many writes as jobs, and how many of them left the page or its free room.
# A snapshot of autovacuum's may keep a page full for a moment; what costs an entry always does.
HOT: Final = """
SELECT relname, n_tup_upd >= 490, n_tup_upd - n_tup_hot_upd <= n_tup_upd / 100
FROM pg_stat_user_tables
WHERE relname IN ('team_guards', 'user_guards') ORDER BY 1
"""
# Half of the jobs are of one project, and the rest of those beside it, by turns. The owner has
# another team, and is alone in this one.
SPREAD: Final = f"""
SET session_replication_role = replica;
UPDATE jobs AS j SET failure_type = 'canceled', project_id =
    CASE WHEN o.n % 2 = 0 THEN {TEAM} ELSE p.id END
FROM (SELECT id, row_number() OVER () AS n FROM jobs WHERE owner = {OWNER}) AS o
JOIN (SELECT id, row_number() OVER () AS n, count(*) OVER () AS many FROM projects) AS p
    ON o.n % p.many = p.n - 1
WHERE o.id = j.id;
DELETE FROM memberships WHERE team_id = {TEAM} AND user_id <> {USER};
INSERT INTO memberships (team_id, user_id, role)
SELECT id, {USER}, 'owner' FROM teams WHERE slug = 'team-1';
SET session_replication_role = origin;
"""
GOES: Final = {
    "a project": f"DELETE FROM projects WHERE id = {TEAM}",
    "a team": f"DELETE FROM teams WHERE id = {TEAM}",
}
LOCALES: Final = (
    *("LOCALE 'C'", "LOCALE 'C.UTF-8'"),
    "LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C'",
)


@pytest.fixture(scope="module")
def of_one(scratch: Scratch, template: Template) -> dict[int, dict[str, int]]:
    """The blocks that queries touch where all finished jobs are of one team and one user."""
    found = {}
    for size in (FEW, MANY):
        with scratch.cloned(template, f"of_one_{size}") as database:
            with database.connect() as connection:
                crowded(connection, size)
            found[size] = {name: touched(database.conninfo, QUERIES[name]) for name in JOBS}
    return found


@pytest.mark.parametrize("name", JOBS)
def test_jobs_of_one_team_and_user_cost_no_more(
    name: str, of_one: dict[int, dict[str, int]]
) -> None:
    """However many one team and one user have, a query touches as many blocks."""
    few, many = (of_one[size][name] for size in (FEW, MANY))
    assert many <= MORE.get(name, BOUND)
    assert many <= few * 1.5 + 30, f"{few} blocks, then {many}"


def test_a_user_with_many_jobs_is_refused_at_once(scratch: Scratch, template: Template) -> None:
    """A user who made jobs is not deleted, and they are not read for that."""
    found = []
    for size in (FEW, MANY):
        with scratch.cloned(template, "maker") as database, database.connect() as connection:
            crowded(connection, size)
            maker = connection.execute("SELECT triggered_by FROM jobs LIMIT 1").fetchall()[0][0]
            query = f"DELETE FROM users WHERE id = '{maker}'"
            with pytest.raises(errors.IntegrityError):
                connection.execute(query.encode())
            quiet = f"DO $$BEGIN {query}; EXCEPTION WHEN integrity_constraint_violation THEN END$$"
            found.append(touched(database.conninfo, quiet))
    assert found[1] <= found[0] * 1.5 + 30, found


def test_an_open_snapshot_costs_until_it_is_closed(scratch: Scratch, template: Template) -> None:
    """Each job of a team costs the next a little while a snapshot is open, and nothing after it."""
    with (
        scratch.cloned(template, "snapshot") as database,
        database.connect() as client,
        database.connect() as reader,
    ):
        filled(client, 100)
        first = touched(database.conninfo, QUERIES["make a job"])
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM jobs")
        costs = []
        for _ in range(2):
            makes_and_ends(client, 400)
            costs.append(touched(database.conninfo, QUERIES["make a job"]))
        reader.execute("COMMIT")
        after = min(touched(database.conninfo, QUERIES["make a job"]) for _ in range(3))
    assert first < costs[0] <= first + 100
    assert costs[1] - costs[0] <= (costs[0] - first) * 1.5
    assert after <= first + 10


def test_another_locale_costs_no_more() -> None:
    """No index is passed over that serves under C; with ICU neither, where a server has it."""
    found = []
    with provision(Request(major=15)) as server:
        for number, how in enumerate(LOCALES):
            name = f"framecast_locale_{number}"
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                try:
                    connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 {how}".encode())
                except errors.FeatureNotSupported:
                    continue
            conninfo = make_conninfo(server.conninfo, dbname=name)
            with psycopg.connect(conninfo, autocommit=True) as connection:
                migrations.install(connection, migrations.load(MIGRATIONS))
                filled(connection, FEW)
            found.append({name: touched(conninfo, QUERIES[name]) for name in QUERIES})
    plain, *others = found
    assert others
    assert [] == [
        (name, plain[name], other[name])
        for other in others
        for name in QUERIES
        if other[name] > plain[name] * 1.2 + 10
    ]


def test_guards_are_written_in_their_page(scratch: Scratch, template: Template) -> None:
    """However many jobs a team and a starter make, no write of a guard costs an index entry."""
    with scratch.cloned(template, "hot") as database, database.connect() as client:
        filled(client, 100)
        makes_and_ends(client, 500)
        for _ in range(500):
            client.execute(STARTERS.encode())
        client.execute("SELECT pg_stat_force_next_flush()")
        written = client.execute(HOT).fetchall()
    assert [("team_guards", True, True), ("user_guards", True, True)] == written


@pytest.mark.parametrize("name", GOES)
def test_what_goes_with_its_jobs_costs_as_they_are_many(
    name: str, scratch: Scratch, template: Template
) -> None:
    """Ten times as many projects and finished jobs cost ten times as much, and not a hundred."""
    found = []
    for size in (FEW, MANY):
        with scratch.cloned(template, "goes") as database:
            with database.connect() as connection:
                crowded(connection, size)
                connection.execute(SPREAD.encode())
                connection.execute("VACUUM ANALYZE")
            found.append(touched(database.conninfo, GOES[name]))
    assert found[0] * 5 < found[1] <= found[0] * 15, found
