"""Operations of teams: they are founded, renamed and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Delete, Insert, Row, Update, Write
from conformance.framecast.model import effects
from conformance.framecast.model.entities import Membership, Team, uuid
from conformance.framecast.operations.choices import MOSTLY, NOBODY, among, row
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

# What a slug is made of, when it is not given: a name that several teams have.
NAME, SLUG = "The Team!", "the-team"


def _found(state: State, user: int, slug: str, *, owned: bool) -> Act:
    team = Team(state.serial + 1, _slug(state, slug), name=NAME)
    columns: Row = {"id": uuid(team.id), "name": NAME}
    if slug not in ("made", "made otherwise"):
        columns = {**columns, "slug": team.slug}
    writes: list[Write] = [Insert("teams", (columns,))]
    after = state.put(team)
    if owned:
        membership = Membership(team.id + 1, team.id, user, "owner")
        after = after.put(membership)
        writes.append(
            Insert(
                "memberships",
                (
                    {
                        "id": uuid(membership.id),
                        "team_id": uuid(team.id),
                        "user_id": uuid(user),
                        "role": "owner",
                    },
                ),
            )
        )
    return Act(tuple(writes), after)


def _slug(state: State, kind: str) -> str | None:
    """Return a slug of a kind; None where the database has to make one up."""
    taken = {team.slug for team in state.teams.values()}
    match kind:
        case "made":
            return None if SLUG in taken else SLUG
        case "made otherwise":
            return None
        case "given":
            return f"team-{state.serial + 1}"
        case "taken":
            return SLUG
        case _:
            return "Not-A-Slug"


def _rename(state: State, team: int) -> Act:
    renamed = replace(state.teams[team], name="Another name")
    return Act((Update("teams", {"id": uuid(team)}, {"name": renamed.name}),), state.put(renamed))


def _change_slug(state: State, team: int) -> Act:
    after = state.put(replace(state.teams[team], slug="another-slug"))
    change = Update("teams", {"id": uuid(team)}, {"slug": "another-slug"})
    return Act((change,), after, frozenset({"IMM-1"}))


def _delete(state: State, team: int) -> Act:
    busy = any(job.active and job.owner.team == team for job in state.jobs.values())
    return Act(
        (Delete("teams", {"id": uuid(team)}),),
        effects.delete_team(state, state.teams[team]),
        frozenset({"DEL-1"}) if busy else frozenset(),
    )


FOUND = Operation(
    "found a team",
    {
        "user": lambda state: (*row("users")(state), NOBODY) if state.users else (),
        "slug": among("given", "made", "taken", "malformed"),
        "owned": among(*MOSTLY),
    },
    _found,
    # Above read committed, or while another session is at the same name, a slug ends in digits.
    left_open={"slug": {"made": "made otherwise"}},
)
RENAME = Operation("rename a team", {"team": row("teams")}, _rename)
CHANGE_SLUG = Operation("change a slug", {"team": row("teams")}, _change_slug)
DELETE = Operation("delete a team", {"team": row("teams")}, _delete)

OPERATIONS = (FOUND, RENAME, CHANGE_SLUG, DELETE)
