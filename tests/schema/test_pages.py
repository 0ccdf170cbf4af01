"""Commands of the documentation do what it says."""

import re
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Write, statements
from strategies.world import World, urn_of_member, urn_of_team
from tests.support.pages import blocks, filled

SCHEMA: Final = Path(__file__).parents[2] / "migrations" / "README.md"
CAP: Final = 5
UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
ADDRESS: Final = "Ada@Example.com"
REMOVE: Final = "DELETE FROM memberships WHERE team_id = :'team' AND user_id = :'who'"
HAND_OVER, LEAVE = "Hand a team over", "Leave the only team"
# Every column of text or JSON: where a name or an address could be left.
TEXTS: Final = """
SELECT a.attrelid::regclass::text, a.attname::text FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relkind = 'r' AND c.relnamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
    AND a.attnum > 0 AND NOT a.attisdropped
    AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
"""


def carry_out(connection: psycopg.Connection[Any], writes: list[Write]) -> None:
    """Write, and commit."""
    with connection.transaction():
        for write in writes:
            for statement in statements(write):
                connection.execute(statement.sql.encode())


def a_busy_person() -> tuple[World, dict[str, object]]:
    """Return somebody with something everywhere, all of which holds the address."""
    world = World()
    (shared, _), (elsewhere, _) = world.team(), world.team()
    user = world.insert(
        "users",
        world.a_creator(email=ADDRESS, name=ADDRESS, avatar_url=f"https://a.io/{ADDRESS}"),
    )
    world.insert("memberships", world.a_membership(shared, user, role="owner"))
    world.insert("memberships", world.a_membership(elsewhere, user, role="admin"))
    lone = world.owned_team(user, name=ADDRESS, slug="ada-example-com")
    project = world.insert(
        "projects", world.a_project(lone, user, name=ADDRESS, spec=Jsonb({"by": ADDRESS}))
    )
    world.insert(
        "asset_files",
        world.an_asset(user, urn_of_team(lone), project_id=project["id"], filename=ADDRESS),
    )
    for owner in (None, urn_of_team(lone), urn_of_member(lone, user)):
        world.insert("asset_files", world.an_asset(user, owner, filename=ADDRESS))
        world.insert("api_keys", world.a_key(user, owner, name=ADDRESS))
        world.job(user, owner, idempotency_key=f"{ADDRESS} {owner}")
        world.move(world.job(user, owner), "completed")
    world.job(user, urn_of_team(shared))
    world.insert("webhooks", world.a_webhook(lone, user, url=f"https://a.io/{ADDRESS}"))
    world.insert("webhooks", world.a_webhook(shared, user))
    world.project(shared, user)
    world.insert("invitations", world.an_invitation(elsewhere, user))
    away, stranger = world.team()
    world.insert("invitations", world.an_invitation(away, stranger, email=ADDRESS.upper()))
    return world, {"email": ADDRESS.lower(), "user": user["id"]}


@pytest.fixture
def connection(scratch: Scratch, template: Template) -> Any:
    """Connect to a database with the schema, as its owner."""
    with scratch.cloned(template, "page") as database, database.connect() as connection:
        yield connection


def test_the_page_on_erasure_works(connection: psycopg.Connection[Any]) -> None:
    """Its commands, run in turn as the application's role, leave no trace of a person."""
    world, values = a_busy_person()
    carry_out(connection, world.given)
    connection.commit()
    connection.autocommit = True
    connection.execute("SET ROLE framecast_app")
    find, held, owners, cancel, files, *deletions, erase, left, erased = (
        block.sql for block in blocks("erasure.md")
    )

    def run(sql: str, **more: object) -> list[Any]:
        cursor = connection.execute(filled(sql, {**values, **more}).encode())
        return cursor.fetchall() if cursor.description else []

    assert [(values["user"], ADDRESS, ADDRESS, "creator")] == run(find)
    assert [] == run(held)
    urns = [urn for (urn,) in run(owners)]
    assert len(set(urns)) == len(urns) == 3
    for urn in urns:
        run(cancel, owner=urn)
        assert run(files, owner=urn)
        for deletion in deletions:
            run(deletion, owner=urn)
    assert [(True,)] == run(erase)
    assert [] == run(left)
    assert [(values["user"],)] == run(erased)
    assert [] == traces(connection)


def test_the_page_on_erasure_says_what_refuses_it(connection: psycopg.Connection[Any]) -> None:
    """It finds the team that has to be handed over first, and the rules refuse by their names."""
    world = World()
    team, user = world.team()
    heir = world.member(team)
    lone = world.owned_team(user)
    job = world.job(user, urn_of_team(lone))
    carry_out(connection, world.given)
    connection.commit()
    connection.autocommit = True
    connection.execute("SET ROLE framecast_app")
    _, held, _, cancel, *_, erase, _, _ = (block.sql for block in blocks("erasure.md"))
    (hand_over,) = (each.sql for each in blocks("recipes.md") if each.title == HAND_OVER)
    values = {"user": user["id"], "team": team["id"], "giver": user["id"], "heir": heir["id"]}

    def run(sql: str, **more: object) -> psycopg.Cursor[Any]:
        return connection.execute(filled(sql, {**values, **more}).encode())

    assert [(team["id"], team["name"])] == run(held).fetchall()
    assert "del_1__" == refused(connection, filled(erase, values))
    run(cancel, owner=job["owner"])
    assert "inv_t2__" == refused(connection, filled(erase, values))
    run(hand_over)
    assert [] == run(held).fetchall()
    assert [(True,)] == run(erase).fetchall()


def test_who_is_in_one_team_only_stays_or_gets_a_team(connection: psycopg.Connection[Any]) -> None:
    """No user is removed from their only team, nor the last owner of others; the ways out work."""
    world = World()
    team, owner = world.team()
    member = world.member(team)
    second = world.owned_team(owner)
    carry_out(connection, world.given)
    connection.commit()
    connection.autocommit = True
    connection.execute("SET ROLE framecast_app")
    (leave,) = (each for each in blocks("recipes.md") if each.title == LEAVE)
    values = {"team": team["id"], "member": member["id"], "own": world.id(), "name": "Own"}
    assert "inv_u2__" == refused(connection, filled(REMOVE, {**values, "who": member["id"]}))
    assert "inv_t2__" == refused(connection, filled(REMOVE, {**values, "who": owner["id"]}))
    with connection.transaction():
        for statement in leave.statements:
            assert connection.execute(filled(statement, values).encode()).rowcount == 1
    places = connection.execute("SELECT team_id FROM memberships ORDER BY team_id").fetchall()
    assert sorted((row["id"],) for row in (team, second, {"id": values["own"]})) == places
    assert [(True,)] == connection.execute(f"SELECT erase_user('{member['id']}')").fetchall()


def refused(connection: psycopg.Connection[Any], sql: str) -> str:
    """Return the token of the rule that refuses a statement, by its commit at last."""
    with pytest.raises(psycopg.IntegrityError) as caught:
        connection.execute(sql.encode())
    return str(caught.value.diag.constraint_name).partition("__")[0] + "__"


def traces(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the columns in which the address is left, in any form."""
    connection.execute("RESET ROLE")
    columns = connection.execute(TEXTS).fetchall()
    assert len(columns) > 40
    return [
        f"{table}.{column}"
        for table, column in columns
        if connection.execute(
            f"SELECT FROM {table} WHERE {column}::text ~* 'ada.?example.?com'".encode()
        ).fetchone()
        is not None
    ]


def test_the_page_shows_a_refusal_as_it_is(connection: psycopg.Connection[Any]) -> None:
    """The page of the schema has the message, the detail, the hint and the name of a real one."""
    (shown,) = re.findall(r"^```\n(ERROR: .*?)^```$", SCHEMA.read_text(), re.MULTILINE | re.DOTALL)
    world = World()
    team, owner = world.team()
    for _ in range(CAP):
        world.job(owner, urn_of_team(team))
    carry_out(connection, world.given)
    world.job(owner, urn_of_team(team))

    with pytest.raises(psycopg.errors.IntegrityError) as refused:
        carry_out(connection, world.given[-1:])

    said = refused.value.diag
    parts = {
        "ERROR": said.message_primary,
        "DETAIL": said.message_detail,
        "HINT": said.message_hint,
        "CONSTRAINT NAME": said.constraint_name,
    }
    today = "\n".join(f"{name}:  {text}" for name, text in parts.items())
    assert UUID.sub("…", shown).splitlines() == UUID.sub("…", today).splitlines()
