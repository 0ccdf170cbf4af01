"""Worlds near their limits, for raw writes to start from.

A setup is a list of legal transactions. Its rows are known by their tables, so that whoever draws
a write can hit what is there without looking into a database.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Insert, Row, Sql, Update, Write
from strategies.world import World, age, urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.engine.cases.scenario import Transaction

IN_FUTURE = Sql("now() + interval '168 hours'")


class Setup:
    """A legal world, and the rows that are in it.

    Attributes:
        world: makes further rows that are legal beside those that are there.
        transactions: what makes the state, in this order, on a database that was empty.
        rows: each table's rows as they were inserted; what a trigger adds is not among them.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.world = World()
        self.transactions: list[Transaction] = []
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)

    def commit(self) -> None:
        """End a transaction."""
        writes = tuple(self.world.given)
        self.transactions.append(writes)
        for write in writes:
            if isinstance(write, Insert):
                self.rows[write.table].extend(write.rows)
        self.world.given.clear()

    def write(self, write: Write) -> None:
        """Write in the transaction that is open."""
        self.world.given.append(write)


def studio() -> Setup:
    """Return a team with as many active jobs as it may have, and a row of everything."""
    setup = Setup()
    world = setup.world
    team, owner = world.team(credits=10)
    admin, member, viewer = (world.member(team, role) for role in ("admin", "member", "viewer"))
    other, rival = world.team()
    starter = world.starter(credits=5)
    world.starter()
    setup.commit()

    drafts = [world.project(team, member) for _ in range(2)]
    archived, done, busy = (world.project(team, owner) for _ in range(3))
    world.project(other, rival)
    setup.write(Update("projects", {"id": archived["id"]}, {"status": "archived"}))
    setup.commit()

    urn = urn_of_team(team)
    finished = world.job(owner, urn, project_id=done["id"], credits_charged=3)
    failed = world.job(member, urn_of_member(team, member), credits_charged=2)
    canceled = world.job(starter, idempotency_key="once")
    for job, status in ((finished, "completed"), (failed, "failed"), (canceled, "canceled")):
        world.move(job, status)
    rendering = world.job(owner, urn, project_id=busy["id"], credits_charged=3)
    world.move(rendering, "processing")
    for user in (owner, admin, member):
        world.job(user, urn_of_member(team, user), idempotency_key="once")
    world.move(world.job(member, urn), "processing")
    world.job(starter)
    setup.commit()

    for job in (rendering, finished):
        for _ in range(2):
            world.insert("job_events", world.an_event(job))
    world.insert("job_events", age(world.an_event(failed), 8))
    _invite(setup, team, owner, admin)
    world.insert("invitations", world.an_invitation(other, rival, email=viewer["email"]))
    _keys(setup, team, owner, member, starter)
    _files(setup, team, member, drafts[0], starter)
    _hooks(setup, team, owner, finished)
    for usage in (urn, urn_of_user(starter)):
        world.insert("usage", world.a_usage(usage, renders_count=1))
    world.insert("system_assets", world.a_system_asset())
    setup.commit()
    return setup


def ten_teams() -> Setup:
    """Return a user who owns ten teams, alone but for one, and one who owns nine."""
    setup = Setup()
    world = setup.world
    team, owner = world.team()
    partner = world.member(team, "owner")
    _many(setup, owner, 9)
    _many(setup, partner, 8)
    world.insert("api_keys", world.a_key(owner, urn_of_member(team, owner)))
    world.insert("api_keys", world.a_key(owner, urn_of_team(team)))
    world.starter()
    setup.commit()
    project = world.project(team, owner)
    world.job(owner, urn_of_team(team), project_id=project["id"])
    world.insert("webhooks", world.a_webhook(team, owner))
    world.insert("invitations", world.an_invitation(team, partner))
    setup.commit()
    return setup


def crowd() -> Setup:
    """Return a team with fifty open invitations, and a user who is in fifty teams."""
    setup = Setup()
    world = setup.world
    team, owner = world.team()
    member = world.member(team)
    landlords = [world.insert("users", world.a_creator()) for _ in range(5)]
    teams = [each for landlord in landlords for each in _many(setup, landlord, 10)]
    joined = tuple(world.a_membership(each, member) for each in teams[:49])
    setup.write(Insert("memberships", joined))
    world.starter()
    setup.commit()
    world.insert("api_keys", world.a_key(member, urn_of_member(team, member)))
    invitations = tuple(world.an_invitation(team, owner) for _ in range(50))
    setup.write(Insert("invitations", invitations))
    setup.commit()
    return setup


SETUPS: tuple[Callable[[], Setup], ...] = (studio, studio, studio, ten_teams, crowd)


def _many(setup: Setup, owner: Row, count: int) -> list[Row]:
    """Insert teams of one owner, in two statements."""
    world = setup.world
    teams = [world.a_team() for _ in range(count)]
    setup.write(Insert("teams", tuple(teams)))
    owned = (world.a_membership(team, owner, role="owner") for team in teams)
    setup.write(Insert("memberships", tuple(owned)))
    return teams


def _invite(setup: Setup, team: Row, owner: Row, admin: Row) -> None:
    world = setup.world
    for inviter in (owner, admin):
        world.insert("invitations", world.an_invitation(team, inviter))
    for end in ("accepted_at", "revoked_at"):
        invitation = world.insert("invitations", age(world.an_invitation(team, admin), 2))
        setup.write(Update("invitations", {"id": invitation["id"]}, {end: Sql("now()")}))
    late = world.insert("invitations", age(world.an_invitation(team, owner), 2))
    yesterday = Sql("now() - interval '24 hours'")
    setup.write(Update("invitations", {"id": late["id"]}, {"expires_at": yesterday}))


def _keys(setup: Setup, team: Row, owner: Row, member: Row, starter: Row) -> None:
    world = setup.world
    for user in (owner, member):
        for urn in (urn_of_user(user), urn_of_team(team), urn_of_member(team, user)):
            world.insert("api_keys", world.a_key(user, urn, expires_at=IN_FUTURE))
    revoked = Sql("now()")
    world.insert("api_keys", world.a_key(owner, urn_of_member(team, owner), revoked_at=revoked))
    world.insert("api_keys", world.a_key(starter))


def _files(setup: Setup, team: Row, member: Row, project: Row, starter: Row) -> None:
    world = setup.world
    urn = urn_of_team(team)
    world.insert("asset_files", world.an_asset(member, urn, project_id=project["id"]))
    ready = world.insert("asset_files", world.an_asset(member, urn_of_member(team, member)))
    setup.write(Update("asset_files", {"id": ready["id"]}, {"status": "ready"}))
    world.insert("asset_files", world.an_asset(starter))


def _hooks(setup: Setup, team: Row, owner: Row, job: Row) -> None:
    world = setup.world
    hook = world.insert("webhooks", world.a_webhook(team, owner))
    now = Sql("now()")
    ends: tuple[Row, ...] = (
        {},
        {"status": "retrying", "attempts": 1, "next_retry_at": now},
        {"status": "delivered", "attempts": 1, "delivered_at": now},
        {"status": "failed", "attempts": 5},
    )
    for end in ends:
        row = world.insert("webhook_deliveries", world.a_delivery(hook, job_id=job["id"]))
        if end:
            setup.write(Update("webhook_deliveries", {"id": row["id"]}, end))
    old = age(world.a_delivery(hook, payload=Jsonb({"n": 1})), 31)
    world.insert("webhook_deliveries", old)
