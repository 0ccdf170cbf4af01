"""Operations of users: they sign up, become creators, change and go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Delete, Insert, RawSql, Sql, Update, Write
from conformance.framecast.model import effects, moves
from conformance.framecast.model.entities import Membership, Team, User, uuid
from conformance.framecast.operations.choices import EMAILS, MOSTLY, among, row
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

NOW = Sql("now()")


def _sign_up(state: State, email: str, tier: str, *, team: bool) -> Act:
    user = User(state.serial + 1, email, tier, upgraded=tier == "creator")
    writes: list[Write] = [
        Insert(
            "users",
            (
                {
                    "id": uuid(user.id),
                    "email": email,
                    "tier": tier,
                    "upgraded_at": NOW if user.upgraded else None,
                },
            ),
        )
    ]
    after = state.put(user)
    if team:
        after, founding = _found(after, user)
        writes += founding
    form = frozenset() if "@" in email else frozenset({"CHECK users"})
    return Act(tuple(writes), after, form)


def _found(state: State, user: User) -> tuple[State, list[Write]]:
    """Found a team with this owner."""
    serial = state.serial + 1
    team = Team(serial, f"team-{serial}", name=f"Team {serial}")
    membership = Membership(team.id + 1, team.id, user.id, "owner")
    return state.put(team, membership), [
        Insert("teams", ({"id": uuid(team.id), "name": team.name, "slug": team.slug},)),
        Insert(
            "memberships",
            (
                {
                    "id": uuid(membership.id),
                    "team_id": uuid(team.id),
                    "user_id": uuid(user.id),
                    "role": "owner",
                },
            ),
        ),
    ]


def _upgrade(state: State, user: int, *, stamp: bool, team: bool) -> Act:
    upgraded = replace(state.users[user], tier="creator", upgraded=stamp)
    changes = {"tier": "creator", "upgraded_at": NOW if stamp else None}
    writes: list[Write] = [Update("users", {"id": uuid(user)}, changes)]
    after = state.put(upgraded)
    if team:
        after, founding = _found(after, upgraded)
        writes += founding
    return Act(tuple(writes), after)


def _downgrade(state: State, user: int) -> Act:
    before = state.users[user]
    return Act(
        (Update("users", {"id": uuid(user)}, {"tier": "starter", "upgraded_at": None}),),
        state.put(replace(before, tier="starter", upgraded=False)),
        moves.refused("user", before.tier, "starter"),
    )


def _rename(state: State, user: int) -> Act:
    renamed = replace(state.users[user], name="Somebody")
    return Act((Update("users", {"id": uuid(user)}, {"name": renamed.name}),), state.put(renamed))


def _change_email(state: State, user: int, email: str) -> Act:
    return Act(
        (Update("users", {"id": uuid(user)}, {"email": email}),),
        state.put(replace(state.users[user], email=email)),
        (frozenset() if "@" in email else frozenset({"CHECK users"}))
        | (frozenset({"PRIVACY-2"}) if state.users[user].erased else frozenset()),
    )


def _delete(state: State, user: int) -> Act:
    return Act(
        (Delete("users", {"id": uuid(user)}),),
        effects.delete_user(state, state.users[user]),
    )


def _erase(state: State, user: int) -> Act:
    after = effects.erase_user(state, state.users[user])
    gone = state.teams.keys() - after.teams.keys()
    busy = any(job.active and job.owner.team in gone for job in state.jobs.values())
    call = RawSql(f"SELECT public.erase_user('{uuid(user)}')")
    return Act((call,), after, frozenset({"DEL-1"}) if busy else frozenset())


SIGN_UP = Operation(
    "sign up",
    {"email": among(*EMAILS)},
    lambda state, email: _sign_up(state, email, "starter", team=False),
)
SIGN_UP_AS_CREATOR = Operation(
    "sign up as creator",
    {"email": among(*EMAILS, "no-address"), "team": among(*MOSTLY)},
    lambda state, email, team: _sign_up(state, email, "creator", team=team),
)
UPGRADE = Operation(
    "upgrade",
    {
        "user": row("users"),
        "stamp": among(*MOSTLY),
        "team": among(*MOSTLY),
    },
    _upgrade,
)
DOWNGRADE = Operation("downgrade", {"user": row("users")}, _downgrade)
RENAME = Operation("rename a user", {"user": row("users")}, _rename)
CHANGE_EMAIL = Operation(
    "change email", {"user": row("users"), "email": among(*EMAILS, "nowhere")}, _change_email
)
DELETE = Operation("delete a user", {"user": row("users")}, _delete)
ERASE = Operation("erase a user", {"user": row("users")}, _erase, says=("PRIVACY-3",))

OPERATIONS = (SIGN_UP, SIGN_UP_AS_CREATOR, UPGRADE, DOWNGRADE, RENAME, CHANGE_EMAIL, DELETE, ERASE)
