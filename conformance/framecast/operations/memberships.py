"""Operations of memberships: people are invited, join, change roles, and leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Delete, Insert, Row, Sql, Update, Write
from conformance.framecast.model import effects, moves
from conformance.framecast.model.entities import MANAGERS, Invitation, Membership, uuid
from conformance.framecast.operations.choices import EMAILS, among, place, row
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

ROLES = ("member", "admin", "viewer", "owner")
# When an invitation expires, in days from now.
LASTS = 7
# Later than the transaction's own beginning, so that an invitation may be accepted where it is
# sent.
CLOCK = Sql("clock_timestamp()")


def _invite(state: State, by: tuple[int, int], email: str, role: str, answered: str) -> Act:
    inviter, team = by
    invitation = Invitation(
        state.serial + 1,
        team,
        inviter,
        email,
        role,
        created=state.day,
        expires=state.day + (-1 if answered == "expired" else LASTS),
        accepted=state.tick if answered == "accepted" else None,
        revoked=state.tick if answered == "revoked" else None,
    )
    columns: Row = {
        "id": uuid(invitation.id),
        "team_id": uuid(team),
        "invited_by": uuid(inviter),
        "email": email,
        "role": role,
        "token": f"token-{invitation.id}",
    }
    if answered == "expired":
        columns = {**columns, "expires_at": Sql("now() - interval '1 day'")}
    elif answered != "open":
        columns = {**columns, f"{answered}_at": CLOCK}
    broken = moves.refused("invitation", None, answered)
    if state.role(team, inviter) not in MANAGERS:
        broken |= {"ROLE-1"}
    if role == "owner":
        broken |= {"INV-I2"}
    return Act((Insert("invitations", (columns,)),), state.put(invitation), broken)


def _extend(state: State, invitation: int) -> Act:
    return Act(
        (
            Update(
                "invitations",
                {"id": uuid(invitation)},
                {"expires_at": Sql(f"now() + interval '{LASTS} days'")},
            ),
        ),
        state.put(replace(state.invitations[invitation], expires=state.day + LASTS)),
    )


def _resend(state: State, invitation: int) -> Act:
    """Revoke an invitation, and send the same again, in one transaction."""
    before = state.invitations[invitation]
    end = _answer(state, invitation, "revoked")
    again = _invite(end.after, (before.inviter, before.team), before.email, before.role, "open")
    return Act((*end.writes, *again.writes), again.after, end.broken | again.broken)


def _answer(state: State, invitation: int, answer: str) -> Act:
    """Accept or revoke an invitation, or take back what was answered."""
    before = state.invitations[invitation]
    was = moves.state_of(before, state.day)
    key = {"id": uuid(invitation)}
    broken = moves.refused("invitation", was, answer)
    if answer == "open":
        taken_back = {"accepted_at": None, "revoked_at": None}
        after = replace(before, accepted=None, revoked=None)
        broken = frozenset() if was in ("open", "expired") else frozenset({"STATE-INVITATION"})
        return Act((Update("invitations", key, taken_back),), state.put(after), broken)
    if was == answer:
        broken |= {"STATE-INVITATION"}  # at another time than before
    change = Update("invitations", key, {f"{answer}_at": CLOCK})
    if answer == "accepted":
        after = replace(before, accepted=state.tick)
    else:
        after = replace(before, revoked=state.tick)
    return Act((change,), state.put(after), broken)


def _accept(state: State, invitation: int, guest: str) -> Act:
    """Accept an invitation; its guest joins in the same transaction, if somebody has its email."""
    act = _answer(state, invitation, "accepted")
    accepted = state.invitations[invitation]
    guests = [
        user.id for user in state.users.values() if user.email.lower() == accepted.email.lower()
    ]
    if guest == "nobody joins" or not guests:
        return act
    joined = _join(act.after, (guests[-1], accepted.team), accepted.role)
    writes = (*act.writes, *joined.writes)
    if guest == "joins first":
        writes = (*joined.writes, *act.writes)
    return Act(writes, joined.after, act.broken)


def _join(state: State, by: tuple[int, int], role: str) -> Act:
    user, team = by
    membership = Membership(state.serial + 1, team, user, role)
    columns = {
        "id": uuid(membership.id),
        "team_id": uuid(team),
        "user_id": uuid(user),
        "role": role,
    }
    return Act((Insert("memberships", (columns,)),), state.put(membership))


def _change_role(state: State, membership: int, role: str) -> Act:
    return Act(
        (Update("memberships", {"id": uuid(membership)}, {"role": role}),),
        state.put(replace(state.memberships[membership], role=role)),
    )


def _hand_over(state: State, membership: int, first: str) -> Act:
    """Give up ownership in favour of another member, in either order."""
    giver = state.memberships[membership]
    others = [m for m in state.members(giver.team) if m.id != giver.id]
    order = [(giver.id, "admin"), *((m.id, "owner") for m in others[:1])]
    writes: list[Write] = []
    for each, role in order if first == "give" else reversed(order):
        act = _change_role(state, each, role)
        state = act.after
        writes += act.writes
    return Act(tuple(writes), state)


def _leave(state: State, membership: int) -> Act:
    return Act(
        (Delete("memberships", {"id": uuid(membership)}),),
        effects.end_memberships(state, state.memberships[membership]),
    )


def _change_team(state: State, membership: int, team: int) -> Act:
    before = state.memberships[membership]
    return Act(
        (Update("memberships", {"id": uuid(membership)}, {"team_id": uuid(team)}),),
        state.put(replace(before, team=team)),
        frozenset({"IMM-1"}) if before.team != team else frozenset(),
    )


INVITE = Operation(
    "invite",
    {
        "by": place,
        "email": among(*EMAILS),
        "role": among("member", "admin", "viewer", "member", "admin", "viewer", "owner"),
        "answered": among("open", "open", "open", "open", "accepted", "revoked", "expired"),
    },
    _invite,
)
RESEND = Operation("resend an invitation", {"invitation": row("invitations")}, _resend)
EXTEND = Operation("extend an invitation", {"invitation": row("invitations")}, _extend)
REVOKE = Operation(
    "revoke an invitation",
    {"invitation": row("invitations")},
    lambda state, invitation: _answer(state, invitation, "revoked"),
)
REOPEN = Operation(
    "take back an answer",
    {"invitation": row("invitations")},
    lambda state, invitation: _answer(state, invitation, "open"),
)
ACCEPT = Operation(
    "accept an invitation",
    {
        "invitation": row("invitations"),
        "guest": among("joins", "joins first", "nobody joins"),
    },
    _accept,
)
JOIN = Operation("join a team", {"by": place, "role": among(*ROLES)}, _join)
CHANGE_ROLE = Operation(
    "change a role", {"membership": row("memberships"), "role": among(*ROLES)}, _change_role
)
HAND_OVER = Operation(
    "hand over a team",
    {"membership": row("memberships"), "first": among("take", "give")},
    _hand_over,
)
LEAVE = Operation("leave a team", {"membership": row("memberships")}, _leave)
CHANGE_TEAM = Operation(
    "move a membership", {"membership": row("memberships"), "team": row("teams")}, _change_team
)

OPERATIONS = (
    INVITE,
    RESEND,
    EXTEND,
    REVOKE,
    REOPEN,
    ACCEPT,
    JOIN,
    CHANGE_ROLE,
    HAND_OVER,
    LEAVE,
    CHANGE_TEAM,
)
