"""Illegal moves that break the rule of their state machine and no other.

The product's own operations make some moves in a way that another rule forbids as well, and that
one may be the first to refuse: an invitation that is both accepted and revoked, a canceled job that
is completed and keeps its failure. A coverage run makes them like this, so that nobody else can
refuse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Insert, Sql, Update
from conformance.framecast.model import moves
from conformance.framecast.model.entities import Invitation, uuid
from conformance.framecast.operations.choices import EMAILS, among, place, row
from conformance.framecast.operations.jobs import OUTPUT
from conformance.framecast.operations.memberships import CLOCK, LASTS
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

OTHER = {"accepted": "revoked", "revoked": "accepted"}


def _turn(state: State, invitation: int, answer: str) -> Act:
    """Give an answered invitation the other answer, instead of its own."""
    before = state.invitations[invitation]
    at = {answer: state.tick}
    after = replace(before, accepted=at.get("accepted"), revoked=at.get("revoked"))
    changes = {f"{answer}_at": CLOCK, f"{OTHER[answer]}_at": None}
    broken = moves.refused("invitation", moves.state_of(before, state.day), answer)
    return Act(
        (Update("invitations", {"id": uuid(invitation)}, changes),), state.put(after), broken
    )


def _find(state: State, by: tuple[int, int], email: str) -> Act:
    """Insert an invitation that was sent long ago, and has expired since."""
    inviter, team = by
    created, expires = state.day - LASTS - 1, state.day - 1
    invitation = Invitation(state.serial + 1, team, inviter, email, "member", created, expires)
    columns = {
        "id": uuid(invitation.id),
        "team_id": uuid(team),
        "invited_by": uuid(inviter),
        "email": email,
        "role": invitation.role,
        "token": f"token-{invitation.id}",
        "created_at": Sql(f"now() - interval '{LASTS + 1} days'"),
        "expires_at": Sql("now() - interval '1 day'"),
    }
    broken = moves.refused("invitation", None, "expired")
    return Act((Insert("invitations", (columns,)),), state.put(invitation), broken)


def _mend(state: State, job: int) -> Act:
    """Complete a job that has ended otherwise, and take back why it has."""
    before = state.jobs[job]
    after = replace(before, status="completed", output=True, failure=None)
    changes = {"status": "completed", "output": OUTPUT, "failure_type": None}
    broken = moves.refused("job", before.status, "completed")
    return Act((Update("jobs", {"id": uuid(job)}, changes),), state.put(after), broken)


TURN = Operation(
    "turn an answer",
    {"invitation": row("invitations"), "answer": among(*OTHER)},
    _turn,
)
FIND = Operation("find an old invitation", {"by": place, "email": among(*EMAILS)}, _find)
MEND = Operation("mend a job", {"job": row("jobs")}, _mend)
