"""Values next to a limit: nearly refused and legal, or nearly legal and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.writes import Insert, Row, Update
from conformance.framecast.rules import RULES
from strategies.column_cases import CHECK, a_row
from strategies.enums import MEMBERSHIP_ROLE
from strategies.world import World, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator

# Texts that are used once, by their tables.
USED_ONCE: Final = (
    ("invitations", "token"),
    ("api_keys", "key_hash"),
    ("asset_files", "s3_key"),
    ("system_assets", "s3_key"),
)
# A permission that owners have, and what is like it in one way or another.
PERMISSION: Final = "projects.create"
UNLIKE: Final = (
    *("", "projects", "create", "projects.creat", "projects.create ", " projects.create"),
    *("projects%", "%", "projects_create", "projects.create%", "PROJECTS.CREATE", "projects.*"),
    *(".*", "projects.create|team.view", "^projects.create$", "projects.created"),
)
# Addresses of which one is the other to LIKE and to regular expressions.
ALIKE: Final = (
    ("a_b@example.com", "axb@example.com"),
    ("a%b@example.com", "axxb@example.com"),
    ("a.b@example.com", "axb@example.com"),
    ("a+b@example.com", "aab@example.com"),
)
FRACTION: Final = "2036-01-01 00:00:00.{}+00"
MADE: Final = "2026-01-01 00:00:00.{}+00"


def twins() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    for table, column in USED_ONCE:
        yield _by_case(table, column)
    yield _permissions()
    yield from _emails()
    yield _key_at_its_end()
    yield _canceled_before_it_was_made()
    yield _names()
    yield _asset_of_a_project()
    yield from _memberships_of_nobody()


def _by_case(table: str, column: str) -> ColumnCase:
    """Texts that differ in the case of a letter are two."""
    world = World()
    rows = [{**a_row(table, world), column: text} for text in ("once", "Once", "ONCE")]
    tried = tuple((Insert(table, (row,)),) for row in rows)
    name = f"{table}.{column} in another case"
    return ColumnCase(name, (tuple(world.given), *tried), tables=(table,))


def _permissions() -> ColumnCase:
    """A text like a permission is none."""
    facts = [
        Fact(f"SELECT public.role_has_permission('owner', '{text}')", expected=text == PERMISSION)
        for text in (PERMISSION, *UNLIKE)
    ]
    tables = ("role_permissions", "memberships", "projects")
    return ColumnCase("role_permissions.permission alike", (), facts=tuple(facts), tables=tables)


def _emails() -> Iterator[ColumnCase]:
    """An address that is like the old one in a pattern is another: INV-I7 and INV-I8 ask of it."""
    for old, new in (pair for both in ALIKE for pair in (both, both[::-1])):
        world = World()
        team, owner = world.team()
        admin = world.insert("users", world.a_creator(email=old))
        world.insert("memberships", world.a_membership(team, admin, role="admin"))
        world.insert("invitations", world.an_invitation(team, admin, email=new))
        yield _renamed(world, admin, new, "INV-I7")
        world = World()
        team, owner = world.team()
        member = world.insert("users", world.a_creator(email=old))
        world.insert("memberships", world.a_membership(team, member))
        world.insert("invitations", world.an_invitation(team, owner, email=new))
        yield _renamed(world, member, new, "INV-I8")


def _renamed(world: World, user: Row, email: str, rule: str) -> ColumnCase:
    return ColumnCase(
        f"users.email {user['email']} becomes {email} against {rule}",
        (tuple(world.given),),
        (Update("users", {"id": user["id"]}, {"email": email}),),
        (CHECK, ""),
        tables=("users", "invitations", "memberships"),
        token=RULES[rule].token,
    )


def _key_at_its_end() -> ColumnCase:
    """A key is valid to the microsecond, also within a second."""
    world = World()
    key = {**a_row("api_keys", world), "expires_at": FRACTION.format("500000")}
    world.insert("api_keys", key)
    call = "SELECT public.api_key_is_valid('{}', '{}')"
    facts = tuple(
        Fact(call.format(key["id"], FRACTION.format(fraction)), expected=expected)
        for fraction, expected in (("499999", True), ("500000", False), ("500001", False))
    )
    return ColumnCase(
        "api_keys.expires_at within a second",
        (tuple(world.given),),
        facts=facts,
        tables=("api_keys",),
    )


def _canceled_before_it_was_made() -> ColumnCase:
    """A job does not end before it was made, not by a microsecond within a second."""
    world = World()
    rows = [
        world.insert("jobs", {**a_row("jobs", world), "created_at": MADE.format("500000")})
        for _ in range(2)
    ]
    end: Row = {"status": "canceled", "failure_type": "canceled"}
    good, bad = (
        Update("jobs", {"id": row["id"]}, {**end, "completed_at": MADE.format(fraction)})
        for row, fraction in zip(rows, ("500000", "499999"), strict=True)
    )
    return ColumnCase(
        "jobs.completed_at within a second",
        (tuple(world.given), (good,)),
        (bad,),
        (CHECK, ""),
        tables=("jobs",),
        token=RULES["INV-J2"].token,
    )


def _names() -> ColumnCase:
    """A name is blank where it has nothing but what ASCII calls white space, in every locale."""
    world = World()
    teams = [world.a_team(name=name) for name in ("\u00a0", "\u2003", "\u3000", "\u200b")]
    owner = world.creator()
    joins = tuple(world.a_membership(team, owner, role="owner") for team in teams)
    founded = (Insert("teams", tuple(teams)), Insert("memberships", joins))
    return ColumnCase("teams.name of odd spaces", (tuple(world.given), founded), tables=("teams",))


def _asset_of_a_project() -> ColumnCase:
    """An asset of a project is inserted pending, too."""
    world = World()
    team, owner = world.team()
    of_project = {"project_id": world.project(team, owner)["id"]}
    rows = [{**world.an_asset(owner, urn_of_team(team)), **of_project} for _ in range(3)]
    bad = [
        {**row, "status": status} for row, status in zip(rows[1:], ("ready", "failed"), strict=True)
    ]
    return ColumnCase(
        "asset_files.status in a project",
        (tuple(world.given), (Insert("asset_files", (rows[0],)),)),
        (Insert("asset_files", (bad[0],)),),
        (CHECK, ""),
        tables=("asset_files",),
        more=((Insert("asset_files", (bad[1],)),),),
        token=RULES["STATE-ASSET"].token,
    )


def _memberships_of_nobody() -> Iterator[ColumnCase]:
    """A membership in any role names a user and a team."""
    for column in ("user_id", "team_id"):
        world = World()
        first, *more = (
            {**a_row("memberships", world), "role": role, column: None} for role in MEMBERSHIP_ROLE
        )
        yield ColumnCase(
            f"memberships.{column} of any role",
            (tuple(world.given),),
            (Insert("memberships", (first,)),),
            (CHECK, ""),
            tables=("memberships",),
            more=tuple((Insert("memberships", (row,)),) for row in more),
            token=RULES["INV-M1"].token,
        )
