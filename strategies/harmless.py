"""Legal writes that look as if a rule refused them: they must be accepted.

INSERT … ON CONFLICT proposes a row. Where one with its key is there, the proposed one is dropped or
becomes an update of the other; either is legal, whatever the proposed row says of itself, as long
as what is written in the end is legal. And what is legal at commit may not have been before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.database.disabled_triggers import triggers_of
from conformance.engine.sql.writes import Delete, Insert, RawSql, Row, Sql, Truncate, Update
from conformance.framecast.rules import RULES
from strategies.column_cases import a_row
from strategies.conflicts import proposed
from strategies.harmless_jobs import harmless_jobs
from strategies.instants import PAST_END, TICK
from strategies.near_misses.retention import at_most_ten_thousand
from strategies.world import NOW, World, urn_of_member, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.cases.scenario import Transaction

# For each table: changes of a legal row, each of which would be refused in a new one.
PROPOSED: dict[str, tuple[Row, ...]] = {
    "asset_files": ({"status": "ready"},),
    "webhook_deliveries": ({"status": "delivered", "delivered_at": NOW},),
    "invitations": ({"accepted_at": Sql("clock_timestamp()")}, {"email": "owner@example.com"}),
    "projects": ({"status": "archived"},),
    "jobs": ({"status": "processing"},),
}
ACTORS = {
    "invitations": "invited_by",
    "projects": "created_by",
    "webhooks": "created_by",
    "asset_files": "uploaded_by",
    "api_keys": "user_id",
    "jobs": "triggered_by",
}


def harmless() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    for table, proposals in PROPOSED.items():
        for changes in proposals:
            world = World()
            row = _row(table, world)
            yield _replayed(f"{table}.{next(iter(changes))} proposed", table, world, row, changes)
    for table, actor in ACTORS.items():
        world = World()
        row = _row(table, world, of_team=True)
        stranger = {actor: world.starter()["id"]}
        yield _replayed(f"{table}.{actor} proposed", table, world, row, stranger)
    yield from harmless_jobs()
    yield from _taken_back()
    yield from _the_same_again()
    yield _guest_signs_up_late()
    yield _accepted_and_expired()
    yield _expired_unanswered()
    for urn in (urn_of_team, urn_of_member):
        yield _revoked_key(urn)
    yield _all_truncated()
    yield _teams_truncated()
    yield from _ten_thousand()
    yield from _of_one_moment()
    yield _team_without_an_id()
    yield _teams_of_one_name()


def _row(table: str, world: World, *, of_team: bool = False) -> Row:
    """Return a legal row; of an invitation, the one who invites is owner@example.com."""
    if table == "invitations":
        owner = world.insert("users", world.a_creator(email="owner@example.com"))
        return world.an_invitation(world.owned_team(owner), owner)
    if of_team and table in ("asset_files", "api_keys", "jobs"):
        team, owner = world.team()
        make = {"asset_files": world.an_asset, "api_keys": world.a_key, "jobs": world.a_job}
        return make[table](owner, urn_of_team(team))
    return a_row(table, world)


def _replayed(name: str, table: str, world: World, row: Row, changes: Row) -> ColumnCase:
    again = proposed(Insert(table, ({**row, **changes},)), "(id) DO NOTHING")
    accepted = (tuple(world.given), (Insert(table, (row,)),), (again,))
    return ColumnCase(name, accepted, tables=(table,))


def _the_same_again() -> Iterator[ColumnCase]:
    """A status is written that the row has already, with something else that may change."""
    for table, changes in (
        ("users", {"tier": "starter"}),
        ("webhook_deliveries", {"status": "pending", "attempts": 1}),
        ("projects", {"status": "draft", "name": "Other"}),
        ("asset_files", {"status": "pending", "filename": "other.png"}),
        ("jobs", {"status": "queued", "credits_charged": 1}),
    ):
        world = World()
        row = world.insert(table, a_row(table, world))
        again: Transaction = (Update(table, {"id": row["id"]}, changes),)
        name = f"{table}.{next(iter(changes))} again"
        yield ColumnCase(name, (tuple(world.given), again), tables=(table,))
    world = World()
    key = {"id": world.insert("webhook_deliveries", a_row("webhook_deliveries", world))["id"]}
    failed: Row = {"status": "failed", "attempts": 1}
    writes = tuple((Update("webhook_deliveries", key, failed),) for _ in range(2))
    name = "webhook_deliveries.status failed again"
    yield ColumnCase(name, (tuple(world.given), *writes), tables=("webhook_deliveries",))


def _taken_back() -> Iterator[ColumnCase]:
    """A membership in a team, or of a user, that never comes is taken back before commit."""
    for column, rule in (("user_id", "INV-M5"), ("team_id", "INV-M6")):
        world = World()
        team, _ = world.team()
        joins = {**world.a_membership(team, world.creator()), column: world.id()}
        steps: Transaction = (
            Insert("memberships", (joins,)),
            Delete("memberships", {"id": joins["id"]}),
        )
        yield ColumnCase(
            f"memberships.{column} taken back",
            (tuple(world.given), steps),
            tables=("memberships",),
            meanwhile=(rule, "INV-U3"),
        )


def _guest_signs_up_late() -> ColumnCase:
    """A guest joins before there is such a user, signs up, and accepts before commit."""
    world = World()
    team, owner = world.team()
    guest = world.a_creator(email="guest@example.com")
    invitation = world.insert("invitations", world.an_invitation(team, owner, email=guest["email"]))
    joins: Transaction = (
        Insert("memberships", (world.a_membership(team, guest),)),
        Insert("users", (guest,)),
        Update("invitations", {"id": invitation["id"]}, {"accepted_at": Sql("clock_timestamp()")}),
    )
    tables = ("users", "memberships", "invitations")
    return ColumnCase("invitations.email signs up late", (tuple(world.given), joins), tables=tables)


def _accepted_and_expired() -> ColumnCase:
    """An invitation that was accepted, and whose time has passed, may be written as it is."""
    world = World()
    team, owner = world.team()
    row = world.insert(
        "invitations", world.an_invitation(team, owner, created_at=PAST_END - 3 * TICK)
    )
    key, accepted_at = {"id": row["id"]}, PAST_END - TICK
    steps: tuple[Transaction, ...] = (
        (Update("invitations", key, {"accepted_at": accepted_at}),),
        (Update("invitations", key, {"expires_at": PAST_END}),),
        (Update("invitations", key, {"accepted_at": accepted_at}),),
    )
    return ColumnCase(
        "invitations.accepted_at again", (tuple(world.given), *steps), tables=("invitations",)
    )


def _expired_unanswered() -> ColumnCase:
    """An invitation that nobody answered in time may be written as it is: it stays unanswered."""
    world = World()
    team, owner = world.team()
    times = {"created_at": PAST_END - 3 * TICK}
    row = world.insert("invitations", world.an_invitation(team, owner, **times))
    key = {"id": row["id"]}
    steps: tuple[Transaction, ...] = (
        (Update("invitations", key, {"expires_at": PAST_END}),),
        (Update("invitations", key, {"accepted_at": None}),),
    )
    return ColumnCase(
        "invitations.accepted_at unanswered", (tuple(world.given), *steps), tables=("invitations",)
    )


def _revoked_key(urn: Callable[..., str]) -> ColumnCase:
    """A key that is revoked holds nobody in its team."""
    world = World()
    team, _ = world.team()
    user = world.insert("users", world.a_creator())
    world.owned_team(user)
    joins = world.insert("memberships", world.a_membership(team, user))
    owner = urn(team) if urn is urn_of_team else urn(team, user)
    key = world.insert("api_keys", world.a_key(user, owner))
    steps: tuple[Transaction, ...] = (
        (Update("api_keys", {"id": key["id"]}, {"revoked_at": NOW}),),
        (Delete("memberships", {"id": joins["id"]}),),
    )
    name = f"api_keys.revoked_at {urn.__name__}"
    return ColumnCase(name, (tuple(world.given), *steps), tables=("api_keys", "memberships"))


def _all_truncated() -> ColumnCase:
    """When users and teams are emptied, so is what the schema keeps of them for itself."""
    world = World()
    world.team()
    emptied: Transaction = (Truncate(("users", "teams")),)
    facts = tuple(
        Fact(f"SELECT count(*) = 0 FROM framecast.{books}", expected=True)
        for books in ("user_guards", "team_guards")
    )
    tables = ("framecast.user_guards", "framecast.team_guards")
    return ColumnCase("guards emptied", (tuple(world.given), emptied), facts=facts, tables=tables)


def _teams_truncated() -> ColumnCase:
    """Users in no team stay when all teams are emptied."""
    world = World()
    world.starter()
    emptied: Transaction = (Truncate(("teams",)),)
    return ColumnCase(
        "teams emptied", (tuple(world.given), emptied), tables=("teams", "memberships")
    )


def _ten_thousand() -> Iterator[ColumnCase]:
    """Of ten thousand rows that are too old and some, a clean-up takes what it is told, or 10,000.

    Of events, 10,138; of deliveries, whose inserts are not numbered, twice as many.
    """
    world = World()
    # A job's events are numbered one by one, each after all that were written before it.
    jobs = ", ".join(f"'{world.job(world.starter())['id']}'" for _ in range(74))
    webhook = world.insert("webhooks", world.a_webhook(*world.team()))
    events = RawSql(
        "INSERT INTO public.job_events (job_id, event_type, created_at)"
        " SELECT j.id, 'progress', now() - interval '192 hours'"
        f" FROM unnest(ARRAY[{jobs}]::uuid[]) AS j (id) CROSS JOIN generate_series(1, 137)"
    )
    deliveries = RawSql(
        "INSERT INTO public.webhook_deliveries (webhook_id, event_type, payload, created_at)"
        f" SELECT '{webhook['id']}', 'job.completed', '{{}}', now() - n * interval '1 hour'"
        " FROM generate_series(721, 20859) AS n"
    )
    for table, rows, told in (
        ("job_events", events, (137,)),
        ("webhook_deliveries", deliveries, (137, 10_001)),
    ):
        yield ColumnCase(
            f"{table}.id cleaned up",
            (tuple(world.given), (rows,)),
            facts=at_most_ten_thousand(table, *told),
            tables=(table,),
            token=RULES["RET-1"].token,
        )


def _team_without_an_id() -> ColumnCase:
    """The database gives a team its id; whoever founds it learns it and becomes its owner."""
    world = World()
    user = world.creator()
    founded = RawSql(
        "WITH t AS (INSERT INTO public.teams (name) VALUES ('Team') RETURNING id)"
        " INSERT INTO public.memberships (team_id, user_id, role)"
        f" SELECT t.id, '{user['id']}', 'owner' FROM t"
    )
    return ColumnCase("teams.id default", (tuple(world.given), (founded,)), tables=("teams",))


def _teams_of_one_name() -> ColumnCase:
    """The first team of a name has the slug that everybody expects, the others longer ones."""
    world = World()
    user = world.creator()
    rows = tuple(
        {key: each for key, each in world.a_team(name="The Team").items() if key != "slug"}
        for _ in range(5)
    )
    owners = tuple(world.a_membership(row, user, role="owner") for row in rows)
    founded: Transaction = (Insert("teams", rows), Insert("memberships", owners))
    slugs = "SELECT count(*) FROM public.teams WHERE slug "
    return ColumnCase(
        "teams.slug of one name",
        (tuple(world.given), founded),
        facts=(
            Fact(f"{slugs} = 'the-team'", 1),
            Fact(f"{slugs} ~ '^the-team-[0-9a-f]{{12}}$'", 4),
        ),
        tables=("teams",),
    )


def _of_one_moment() -> Iterator[ColumnCase]:
    """The oldest row goes first, whatever its id; of one moment, in order and not as they lie."""
    for table, order in (("job_events", "job_id, sequence"), ("webhook_deliveries", "id")):
        world = World()
        if table == "job_events":
            jobs = [world.job(world.starter()) for _ in range(2)]
            rows = [world.an_event(job) for job in (*jobs, jobs[1]) for _ in range(2)][:5]
        else:
            webhook = world.insert("webhooks", world.a_webhook(*world.team()))
            rows = [world.a_delivery(webhook) for _ in range(5)]
        ids = [row["id"] for row in rows]
        gone = (ids[-1:], [*ids[-1:], ids[0]], [*ids[-1:], *ids[:2]], [*ids[-1:], *ids[:3]])
        # An update writes a row anew, behind all others.
        aged = [
            RawSql(
                f"UPDATE public.{table} SET created_at = now() - interval '{24 * days} hours'"
                f" WHERE id = '{each}'"
            )
            for each, days in zip(reversed(ids), (40, 31, 31, 31, 31), strict=True)
        ]
        disabled, enabled = triggers_of((table,))
        left = f"SELECT string_agg(id::text, ' ' ORDER BY {order}) FROM public.{table}"
        yield ColumnCase(
            f"{table}.created_at of one moment",
            (
                tuple(world.given),
                (Insert(table, tuple(rows)),),
                (disabled, *aged, enabled),
            ),
            facts=tuple(
                fact
                for some in gone
                for fact in (
                    Fact(f"SELECT public.delete_old_{table}(1)", 1),
                    Fact(left, " ".join(str(each) for each in ids if each not in some)),
                )
            ),
            tables=(table,),
        )
