"""Effects of the model on states that a transaction passes through before it is refused."""

from conformance.framecast.model import effects
from conformance.framecast.model.entities import Membership, User
from conformance.framecast.model.state import State

NOWHERE = 0xDEAD


def test_who_is_in_no_team_that_exists_can_be_erased() -> None:
    """A membership of a team that does not exist ends with the account, like any other."""
    user = User(1, "ann@example.com", tier="creator", upgraded=True)
    before = State().put(user, Membership(2, NOWHERE, 1, "owner"))
    after = effects.erase_user(before, user)

    assert after.users[1].erased
    assert [] == [each for each in after.memberships.values() if each.team == NOWHERE]
