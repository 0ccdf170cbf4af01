"""A deadlock of single statements that is left to be tried again: docs/decisions.md, 145."""

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.races.driver import Driver
from conformance.engine.races.trace import Script
from conformance.engine.sql.outcomes import Accepted, Inconclusive
from conformance.engine.sql.writes import Delete, Update, Write, statements
from conformance.framecast.soak.client import KNOWN_DEADLOCKS
from strategies.world import World, urn_of_team

REVOKE, REVIVE, LEAVE = range(3)


def script(write: Write) -> Script:
    """Return a transaction of one statement."""
    (statement,) = statements(write)
    return [("1", f"BEGIN;\n{statement.sql}"), ("commit", "COMMIT")]


def test_a_key_is_revoked_and_revived_while_its_user_leaves(
    scratch: Scratch, template: Template
) -> None:
    """The session that revives has the key first, the other the membership: one tries again."""
    world = World()
    team, _ = world.team()
    user = world.member(team)
    world.owned_team(user)
    key = world.insert("api_keys", world.a_key(user, urn_of_team(team)))
    membership = {"team_id": team["id"], "user_id": user["id"]}
    scripts = [
        script(Update("api_keys", {"id": key["id"]}, {"revoked_at": "2026-11-29"})),
        script(Update("api_keys", {"id": key["id"]}, {"revoked_at": None})),
        script(Delete("memberships", membership)),
    ]
    order = [REVOKE, REVIVE, LEAVE, REVOKE]

    def choose(places: tuple[int, ...]) -> int:
        return order.pop(0) if order else places[0]

    with (
        scratch.cloned(template, "deadlock") as database,
        Sandbox(database.conninfo) as sandbox,
        Driver(database.conninfo) as driver,
    ):
        assert Accepted() == sandbox.session.transact(world.given)
        trace = driver.run(scripts, choose)

        assert {} == sandbox.violations()
    (given_up,) = trace.deadlocked
    assert {REVIVE, LEAVE} == {given_up, *trace.deadlocked[given_up]}
    assert isinstance(trace.outcomes[given_up], Inconclusive)
    (gone_on,) = {REVIVE, LEAVE} - {given_up}
    assert Accepted() == trace.outcomes[REVOKE]
    assert not isinstance(trace.outcomes[gone_on], Inconclusive)
    assert frozenset({"leave a team", "revive a key"}) in KNOWN_DEADLOCKS
