"""People who make rows, what they make, and the owners that the rows name.

People are said by what they are to a team: owner, admin, member, viewer, `outsider` (a creator with
another team) or `starter`. Owners are said by form: `user`, `team`, `member` (the user inside the
team), `colleague` (another inside the team), `another's` (the colleague's user URN), `nobody's` and
`nobody's member` (of a team that there is not).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from conformance.engine.sql.writes import Delete, Insert, Row, Sql, Update
from strategies.owners import member_urn, team_urn
from strategies.world import World, urn_of_member, urn_of_team, urn_of_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOBODY = UUID(int=0xDEAD)

# Who, to the team, and the form of the owner.
Act: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of row that somebody makes for an owner or for a team.

    Attributes:
        table: its table.
        actor: the column that names who makes it.
        scope: the column that names its owner or team.
        make: makes a row of a world, a team, a user and an owner.
        fixed: whether the actor never changes.
        also: rules that a row of another owner breaks as well.
    """

    table: str
    actor: str
    scope: str
    make: Callable[[World, Row, Row, str], Row]
    fixed: bool = True
    also: frozenset[str] = frozenset()


def _in_project(world: World, team: Row, row: Row) -> Row:
    """Return a row in a new project of a team, where it is the team's own."""
    if row["owner"] != urn_of_team(team):
        return row
    return {**row, "project_id": world.project(team, {"id": world.founder(team)})["id"]}


INVITATIONS = Kind("invitations", "invited_by", "team_id", lambda w, t, u, _: w.an_invitation(t, u))
WEBHOOKS = Kind(
    "webhooks", "created_by", "team_id", lambda w, t, u, _: w.a_webhook(t, u), fixed=False
)
PROJECTS = Kind("projects", "created_by", "team_id", lambda w, t, u, _: w.a_project(t, u))
JOBS = Kind("jobs", "triggered_by", "owner", lambda w, _, u, owner: w.a_job(u, owner))
ASSETS = Kind("asset_files", "uploaded_by", "owner", lambda w, _, u, owner: w.an_asset(u, owner))
PROJECT_JOBS = Kind(
    "jobs",
    "triggered_by",
    "owner",
    lambda w, t, u, owner: _in_project(w, t, w.a_job(u, owner)),
    also=frozenset({"INV-J11"}),
)
PROJECT_ASSETS = Kind(
    "asset_files",
    "uploaded_by",
    "owner",
    lambda w, t, u, owner: _in_project(w, t, w.an_asset(u, owner)),
    also=frozenset({"INV-X3"}),
)
KEYS = Kind("api_keys", "user_id", "owner", lambda w, _, u, owner: w.a_key(u, owner))


def person(world: World, team: Row, owner: Row, who: str) -> Row:
    """Insert a user who is this to the team; its first owner is there already."""
    match who:
        case "owner":
            return owner
        case "outsider":
            return world.creator()
        case "starter":
            return world.starter()
        case _:
            return world.member(team, role=who)


# What becomes of a row that somebody has made: nothing, and each other end.
ENDS: Mapping[str, tuple[Row, ...]] = MappingProxyType(
    {
        "invitations": ({"revoked_at": Sql("clock_timestamp()")},),
        "webhooks": ({"is_active": False},),
        "projects": ({"status": "archived"},),
        "asset_files": ({"status": "ready"}, {"status": "failed"}),
        "api_keys": ({"revoked_at": Sql("clock_timestamp()")},),
    }
)
ENDED: tuple[str, ...] = ("completed", "failed", "canceled")


def with_a_past(world: World, team: Row, owner: Row, who: str) -> Row:
    """Insert a user who was invited, was an admin, made all there is to make, and is this now.

    Of what was made some is as it was made, and some has ended in each way. In other teams the user
    is an owner and an admin still.
    """
    user = world.creator()
    elsewhere, _ = world.team()
    world.insert("memberships", world.a_membership(elsewhere, user, role="admin"))
    letter = world.an_invitation(team, owner, email=user["email"])
    joins = world.a_membership(team, user, role="admin")
    world.insert("invitations", letter)
    world.given.append(
        Update("invitations", {"id": letter["id"]}, {"accepted_at": Sql("clock_timestamp()")})
    )
    world.insert("memberships", joins)
    for kind in (INVITATIONS, WEBHOOKS, PROJECTS, ASSETS, KEYS):
        rows = [kind.make(world, team, user, urn_of_team(team)) for _ in ({}, *ENDS[kind.table])]
        world.given.append(Insert(kind.table, tuple(rows)))
        world.given += [
            Update(kind.table, {"id": row["id"]}, end, row)
            for row, end in zip(rows[1:], ENDS[kind.table], strict=True)
        ]
    for status in ENDED:
        for form in (urn_of_team(team), urn_of_member(team, user)):
            world.move(world.job(user, form), status)
    _made_within(world, team, user)
    key = {"id": joins["id"]}
    world.given.append(
        Delete("memberships", key)
        if who == "outsider"
        else Update("memberships", key, {"role": who}, joins)
    )
    return user


def _made_within(world: World, team: Row, user: Row) -> None:
    """Insert what a user made in a project of a team, and what a webhook of the user was sent."""
    project = world.project(team, user)["id"]
    asset = world.an_asset(user, urn_of_team(team))
    world.insert("asset_files", {**asset, "project_id": project})
    world.move(world.job(user, urn_of_team(team), project_id=project), "completed")
    hook = world.insert("webhooks", world.a_webhook(team, user))
    world.insert("webhook_deliveries", world.a_delivery(hook))


def urn(form: str, team: Row, user: Row, colleague: Row) -> str:
    """Return an owner of this form; the colleague is somebody else."""
    forms = {
        "user": urn_of_user(user),
        "team": urn_of_team(team),
        "member": urn_of_member(team, user),
        "colleague": urn_of_member(team, colleague),
        "nobody's": team_urn(NOBODY),
        "nobody's member": member_urn(NOBODY, str(user["id"])),
        "another's": urn_of_user(colleague),
    }
    return forms[form]


def acts(who: Sequence[str], forms: Sequence[str] = ("team",)) -> tuple[Act, ...]:
    """Return each of these people with each of these forms."""
    return tuple((one, form) for one in who for form in forms)
