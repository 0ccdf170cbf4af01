"""Every row of a legal world, replaced under its own id: by the same, by a bare one, with company.

All of it is derived: from the world, from the columns that tables require, and from the checks that
wait for the commit. A further kind of row in the world is replaced without anybody saying so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from conformance.engine.sql.writes import Delete, Insert, RawSql, Row, Statement, statements
from strategies.hostile_worlds import Setup, crowd, ten_teams
from strategies.hostility import Attack, HostileRun, HostileStatement, Part
from strategies.replacing import replaced
from strategies.tables import REQUIRED
from strategies.world import urn_of_member, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.sql.writes import Write

# Rows of a table that are replaced in a world: more of them are like those.
MOST: Final = 4
# Columns of which a further row needs another value, beside its id.
OWN: Final = {
    "invitations": "token",
    "api_keys": "key_hash",
    "asset_files": "s3_key",
    "jobs": "idempotency_key",
}
ANOTHER: Final = 0xC0DE


def calm() -> Setup:
    """Return a row of everything, far from every cap: what is refused is refused for itself."""
    setup = Setup()
    world = setup.world
    team, owner = world.team()
    member = world.member(team, "member")
    artist = world.member(team, "admin")
    starter = world.starter()
    setup.commit()
    urn = urn_of_team(team)
    free, done = (world.project(team, owner) for _ in range(2))
    ended = world.job(owner, urn, project_id=done["id"])
    alone = world.job(member, urn_of_member(team, member))
    own = world.job(starter)
    for job, status in ((ended, "completed"), (alone, "failed"), (own, "canceled")):
        world.insert("job_events", world.an_event(job))
        world.insert("job_events", world.an_event(job))
        world.move(job, status)
    for _ in range(2):
        world.job(artist)
    world.insert("invitations", world.an_invitation(team, owner))
    world.insert("api_keys", world.a_key(member, urn_of_member(team, member)))
    world.insert("api_keys", world.a_key(starter))
    world.insert("asset_files", world.an_asset(owner, urn, project_id=free["id"]))
    hook = world.insert("webhooks", world.a_webhook(team, owner))
    world.insert("webhook_deliveries", world.a_delivery(hook, job_id=ended["id"]))
    world.insert("usage", world.a_usage(urn))
    world.insert("system_assets", world.a_system_asset())
    setup.commit()
    return setup


WORLDS: Final = (calm, ten_teams, crowd)


def replacements(table: str, waiting: Sequence[str]) -> Iterator[HostileRun]:
    """Return hostile runs that replace the rows of one table, each on a world of its own.

    Args:
        table: the table.
        waiting: the names of the checks that wait for the commit.
    """
    for make in WORLDS:
        setup = make()
        given = tuple(setup.transactions)
        # Only the first world is far enough from every cap for all that may happen beside.
        early = waiting if make is calm else ()
        for row in setup.rows[table][:MOST]:
            for attack in _attacks(setup, table, row, early):
                yield HostileRun(make.__name__, given, (attack, *_afterwards(setup)))


def _attacks(setup: Setup, table: str, row: Row, waiting: Sequence[str]) -> Iterator[Attack]:
    bare = {name: row[name] for name in row if name == "id" or name in REQUIRED[table]}
    gone = _hostile_statement("delete", table, Delete(table, {"id": row["id"]}))
    for again in (row, bare) if bare != row else (row,):
        alone = _hostile_statement("replace", table, replaced(table, again))
        seats = tuple(_seats(setup, row))
        yield _attack(alone)
        yield _attack(alone, *(_hostile_statement("insert", "memberships", seat) for seat in seats))
        yield _attack(gone, _hostile_statement("insert", table, Insert(table, (again,))))
        for name in waiting if seats else ():
            # What held a row is gone before it, and that was asked at once.
            at_once = _hostile_statement(
                "set constraints", table, RawSql(f"SET CONSTRAINTS {name} IMMEDIATE")
            )
            leaves = (Delete("memberships", {"id": seat.rows[0]["id"]}) for seat in seats)
            yield _attack(
                at_once,
                *(_hostile_statement("delete", "memberships", each) for each in leaves),
                alone,
            )
        for child, other in _children(setup, row):
            insert = statements(Insert(child, (other,)))[0].sql
            yield _attack(
                _hostile_statement("replace beside", table, replaced(table, again, insert))
            )
    for child, other in _children(setup, row):
        insert = statements(Insert(child, (other,)))[0].sql
        for sql in (
            f"WITH w AS ({insert}) {gone.statement.sql}",
            f"WITH w AS ({gone.statement.sql}) {insert}",
        ):
            yield _attack(_hostile_statement("delete beside", table, RawSql(sql)))


def _seats(setup: Setup, row: Row) -> Iterator[Insert]:
    """Return the memberships that go with a user or a team."""
    for seat in setup.rows["memberships"]:
        if row["id"] in (seat["team_id"], seat["user_id"]):
            yield Insert("memberships", (seat,))


def _children(setup: Setup, row: Row) -> Iterator[tuple[str, Row]]:
    """Return a further row of each table in which a row names this one."""
    own = str(row["id"])
    for table, rows in setup.rows.items():
        for other in rows:
            if other["id"] != row["id"] and any(own in str(value) for value in other.values()):
                value = {OWN[table]: "another"} if table in OWN else {}
                yield table, {**other, "id": UUID(int=ANOTHER), **value}
                break


def _afterwards(setup: Setup) -> Iterator[Attack]:
    """Return what shows later what a replacement has left: further events of every job."""
    for job in setup.rows["jobs"]:
        event: Row = {"job_id": job["id"], "event_type": "progress"}
        yield _attack(_hostile_statement("insert", "job_events", Insert("job_events", (event,))))


def _attack(*blows: HostileStatement) -> Attack:
    return Attack((Part(blows),))


def _hostile_statement(kind: str, table: str, write: Write) -> HostileStatement:
    return HostileStatement(kind, table, Statement(statements(write)[0].sql))
