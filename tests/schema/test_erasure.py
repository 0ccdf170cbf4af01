"""An account can be erased whatever its session has set, and whatever ids others have taken."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import psycopg
import pytest

from conformance.engine.database.session import in_order
from conformance.engine.sql.writes import Insert, Path, statements
from strategies.near_misses.privacy import nobodys, stand_in
from strategies.session_settings import HOSTILE
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Scratch, Template
    from conformance.engine.sql.writes import Row

LEVELS: Final = (
    psycopg.IsolationLevel.READ_COMMITTED,
    psycopg.IsolationLevel.REPEATABLE_READ,
    psycopg.IsolationLevel.SERIALIZABLE,
)


class Place(NamedTuple):
    """A database to fill, and a login of the application to it."""

    owner: psycopg.Connection[Any]
    client: psycopg.Connection[Any]

    def fill(self, world: World) -> None:
        """Commit what a world has."""
        with self.owner.transaction():
            for statement in in_order(tuple(world.given), Path.UPDATE):
                self.owner.execute(statement.sql)

    def seats(self, user: Row) -> list[tuple[Any, ...]]:
        """Return the teams that somebody is in, with names and roles."""
        query = (
            "SELECT m.team_id, t.name, m.role::text FROM memberships AS m"
            " JOIN teams AS t ON t.id = m.team_id WHERE m.user_id = %s"
        )
        return self.owner.execute(query, [user["id"]]).fetchall()


@pytest.fixture
def place(scratch: Scratch, template: Template) -> Iterator[Place]:
    """Lend a database, and connect to it as its owner and as the application."""
    with (
        scratch.cloned(template, "erasure") as database,
        database.connect() as owner,
        database.connect() as client,
    ):
        client.execute("SET ROLE framecast_app")
        client.autocommit = False
        yield Place(owner, client)


def somebody(world: World) -> Row:
    """Give a creator a team alone, one with others, keys, invitations and a project."""
    user = world.insert("users", world.a_creator(email="ada@example.com", name="Ada"))
    lone = world.owned_team(user)
    shared, _ = world.team()
    world.insert("memberships", world.a_membership(shared, user, role="admin"))
    world.insert("api_keys", {**world.a_key(user), "owner": urn_of_team(shared)})
    world.insert("invitations", world.an_invitation(shared, user))
    world.insert("invitations", world.an_invitation(*world.team(), email="Ada@Example.com"))
    world.project(lone, user)
    world.project(shared, user)
    return user


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())
@pytest.mark.parametrize("settings", [(), *HOSTILE], ids=lambda chosen: str(len(chosen)))
@pytest.mark.parametrize("asked", ["IMMEDIATE", "DEFERRED"])
def test_an_account_is_erased_whatever_is_set(
    level: psycopg.IsolationLevel,
    settings: tuple[tuple[str, str], ...],
    asked: str,
    place: Place,
) -> None:
    """At every isolation level, under hostile settings, and where all rules are asked at once."""
    world = World()
    user = somebody(world)
    place.fill(world)
    place.client.isolation_level = level
    for name, value in settings:
        place.client.execute("SELECT pg_catalog.set_config(%s, %s, false)", [name, value])
    place.client.execute(f"SET CONSTRAINTS ALL {asked}".encode())

    erased = place.client.execute("SELECT public.erase_user(%s)", [user["id"]]).fetchall()
    place.client.commit()

    assert [(True,)] == erased
    assert [(stand_in(user), "Erased account", "owner")] == place.seats(user)
    row = place.owner.execute("SELECT email, name FROM users WHERE id = %s", [user["id"]])
    assert [(nobodys(user), None)] == row.fetchall()


@pytest.mark.parametrize("is_in", [True, False], ids=["member", "stranger"])
@pytest.mark.parametrize("whose", ["own", "stand-in", "membership"])
def test_ids_that_others_have_are_no_obstacle(*, whose: str, is_in: bool, place: Place) -> None:
    """A team of the user's own id, or of the id that the function would give, or a membership."""
    world = World()
    user, (_, host) = somebody(world), world.team()
    taken = user["id"] if whose == "own" else stand_in(user)
    team = world.owned_team(host, **({} if whose == "membership" else {"id": taken}))
    if whose == "membership":
        world.insert("memberships", {**world.a_membership(team, world.creator()), "id": taken})
    if is_in:
        world.insert("memberships", world.a_membership(team, user, role="admin"))
    place.fill(world)

    erased = place.client.execute("SELECT public.erase_user(%s)", [user["id"]]).fetchall()
    place.client.commit()

    assert [(True,)] == erased
    [(made, name, role)] = place.seats(user)
    assert ("Erased account", "owner") == (name, role)
    assert stand_in(user).bytes[:8] == made.bytes[:8]
    assert (whose == "own") == (made == stand_in(user))
    kept = place.owner.execute("SELECT name FROM teams WHERE id = %s", [team["id"]]).fetchall()
    assert [(team["name"],)] == kept


def test_the_caller_may_go_on_with_rules_asked_at_once(place: Place) -> None:
    """Checks that the function defers are asked at commit at the latest, as ever (INV-T2)."""
    world = World()
    user = world.insert("users", world.a_creator())
    team = world.owned_team(user)
    world.insert("memberships", world.a_membership(team, world.creator(), role="admin"))
    place.fill(world)

    place.client.execute("SET CONSTRAINTS ALL IMMEDIATE")
    place.client.execute("SELECT public.erase_user(%s)", [user["id"]])
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        place.client.commit()

    assert "inv_t2__memberships_owner_not_gone" == refused.value.diag.constraint_name


def refused(place: Place, *writes: Insert) -> str:
    """Return the name in which a transaction of the application is refused."""
    try:
        for write in writes:
            for statement in statements(write):
                place.client.execute(statement.sql.encode())
        place.client.commit()
    except psycopg.errors.CheckViolation as error:
        return error.diag.constraint_name or ""
    finally:
        place.client.rollback()
    return "nothing"


@pytest.mark.parametrize("founded", [True, False], ids=["founded before", "left by the function"])
@pytest.mark.parametrize("asked", ["IMMEDIATE", "DEFERRED"])
def test_nobody_works_where_an_erased_account_is(
    *, founded: bool, asked: str, place: Place
) -> None:
    """Whoever makes a team may give it an id that stands in; nobody else is in it beside one."""
    world = World()
    user, host = somebody(world), world.creator()
    team: Row = {"id": stand_in(user)}
    if founded:
        crafted = UUID(bytes=stand_in(user).bytes[:8] + bytes(8))
        team = world.owned_team(host, id=crafted)
    place.fill(world)
    place.client.execute("SELECT public.erase_user(%s)", [user["id"]])
    place.client.commit()

    place.client.execute(f"SET CONSTRAINTS ALL {asked}".encode())
    joins = Insert("memberships", (world.a_membership(team, user if founded else host),))

    assert "privacy_1__memberships_user_not_erased" == refused(place, joins)


def test_who_moves_in_before_anybody_else_counts_too(place: Place) -> None:
    """A membership may come before its user, and the erased account before or after the others."""
    world = World()
    owner, guest = world.a_creator(), world.creator()
    erased = {**owner, "email": nobodys(owner), "name": None, "avatar_url": None}
    own = world.a_team(id=stand_in(owner))
    place.fill(world)
    seat = {**world.a_membership(own, erased, role="owner"), "id": own["id"]}
    rows = (
        Insert("users", (erased,)),
        Insert("teams", (own,)),
        Insert("memberships", (world.a_membership(own, guest),)),
        Insert("memberships", (seat,)),
    )

    names = {refused(place, *order) for order in permutations(rows)}

    assert {
        "privacy_1__memberships_user_not_erased",
        "privacy_1__users_erased_has_no_key_nor_team",
    } == names


def test_what_is_made_in_its_name_afterwards(place: Place) -> None:
    """Nothing in a team that it was in, and no key; but work of its own, and in its own team."""
    world = World()
    user, (shared, _) = somebody(world), world.team()
    world.insert("memberships", world.a_membership(shared, user, role="admin"))
    place.fill(world)
    place.client.execute("SELECT public.erase_user(%s)", [user["id"]])
    place.client.commit()
    own: Row = {"id": stand_in(user)}

    names = [
        refused(place, Insert(table, (row,)))
        for table, row in (
            ("jobs", world.a_job(user, urn_of_team(shared))),
            ("asset_files", world.an_asset(user, urn_of_team(shared))),
            ("projects", world.a_project(shared, user)),
            ("invitations", world.an_invitation(shared, user)),
            ("webhooks", world.a_webhook(shared, user)),
            ("api_keys", world.a_key(user)),
            ("api_keys", world.a_key(user, urn_of_team(own))),
            ("jobs", world.a_job(user)),
            ("asset_files", world.an_asset(user)),
            ("projects", world.a_project(own, user)),
        )
    ]

    assert [
        "inv_x1__jobs_trigger_in_team",
        "inv_x2__asset_files_uploader_in_team",
        "role_2__projects_creator_may_create",
        "role_1__invitations_inviter_may_invite",
        "role_1__webhooks_creator_may_manage",
        "privacy_1__api_keys_user_not_erased",
        "privacy_1__api_keys_user_not_erased",
        *["nothing"] * 3,
    ] == names
