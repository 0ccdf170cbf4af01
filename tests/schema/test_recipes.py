"""The product's transactions, from the page that tells them: legal, and free of deadlocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.races.driver import Driver
from conformance.engine.sql.outcomes import Accepted, Inconclusive
from conformance.engine.sql.writes import statements
from strategies.world import World, urn_of_team
from tests.support.pages import blocks, filled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Scratch, Template
    from conformance.engine.races.trace import Script, Trace

PAGE: Final = blocks("recipes.md")
DEADLOCKS: Final = [block.title for block in PAGE].index(
    "Accept with the invitation first, and nothing held"
)
RECIPES: Final = {block.title: block.statements for block in PAGE[:DEADLOCKS]}
WRONG: Final = {
    one.title: (one.statements, other.statements)
    for one, other in zip(PAGE[DEADLOCKS::2], PAGE[DEADLOCKS + 1 :: 2], strict=True)
}
# Where a statement may be made to wait, with what it has taken before.
GATES: Final = (
    *("users", "teams", "projects", "api_keys", "memberships", "invitations"),
    *("framecast.user_guards", "framecast.team_guards"),
)
KEPT: Final = "recipes"


def company() -> tuple[World, dict[str, object]]:
    """Return a team and those whom recipes are about: a member has no other team."""
    world = World()
    team, giver = world.team(credits=9)
    heir, inviter, guest = (world.creator() for _ in range(3))
    for user, role in ((heir, "owner"), (inviter, "admin")):
        world.insert("memberships", world.a_membership(team, user, role=role))
    member = world.member(team)
    starter = world.starter(credits=9)
    invitation, offer = (
        world.insert("invitations", world.an_invitation(team, inviter, email=user["email"]))
        for user in (guest, starter)
    )
    project = world.project(team, member)
    world.insert("asset_files", world.an_asset(member, urn_of_team(team), project_id=project["id"]))
    for user in (giver, heir, inviter, member):
        world.insert("api_keys", world.a_key(user, urn_of_team(team)))
    world.owned_team(giver)
    rows = {
        "team": team,
        "giver": giver,
        "heir": heir,
        "inviter": inviter,
        "guest": guest,
        "member": member,
        "starter": starter,
        "invitation": invitation,
        "offer": offer,
    }
    values = {name: row["id"] for name, row in rows.items()}
    return world, {**values, "own": world.id(), "name": "Own"}


WORLD, VALUES = company()
PEOPLE: Final = ("giver", "heir", "inviter", "guest", "member", "starter")
DELETED, ERASED = "DELETE FROM users WHERE id = :'who'", "SELECT erase_user(:'who')"
MADE: Final = "INSERT INTO jobs (owner, triggered_by, spec_snapshot) VALUES"
# What is one statement of its own, by what it does and to whom.
SINGLES: Final = {
    "delete the team": ("DELETE FROM teams WHERE id = :'team'",),
    "make a job": (f"{MADE} ('framecast:user:' || :'starter', :'starter', '{{}}')",),
    "make a team's job": (f"{MADE} ('framecast:team:' || :'team', :'heir', '{{}}')",),
    **{f"delete the {who}": (DELETED.replace("'who'", f"'{who}'"),) for who in PEOPLE},
    **{f"erase the {who}": (ERASED.replace("'who'", f"'{who}'"),) for who in PEOPLE},
}
# The same to each other.
MIRRORED: Final = {"giver": VALUES["heir"], "heir": VALUES["giver"]}


@dataclass
class Plan:
    """Order of some steps; after them, any session that can goes on."""

    steps: list[int] = field(default_factory=list)

    def __call__(self, ready: tuple[int, ...]) -> int:
        """Return who goes on, of those who can."""
        while self.steps:
            chosen = self.steps.pop(0)
            if chosen in ready:
                return chosen
        return ready[0]


class Floor:
    """A database on which recipes are carried out at once."""

    def __init__(self, sandbox: Sandbox, driver: Driver) -> None:
        """Bring the company there."""
        self.sandbox, self._driver = sandbox, driver
        given = [each for write in WORLD.given for each in statements(write)]
        assert Accepted() == sandbox.run_as_owner(given)
        assert sandbox.keep(KEPT)

    def run(self, scripts: list[Script], steps: list[int]) -> Trace:
        """Carry out scripts at once, in an order."""
        self.sandbox.bring_back(KEPT)
        return self._driver.run(scripts, Plan(steps))

    def meet(self, one: Script, other: Script) -> Iterator[Trace]:
        """Carry out two scripts, the first of which begins.

        In turns, each has come to one of its steps when the other goes on; then with each stopped
        at a table by somebody who holds all its rows.
        """
        for mine in range(1, len(one)):
            for theirs in range(1, len(other)):
                yield self.run([one, other], [0] * mine + [1] * theirs)
        for table in GATES:
            gate = (("hold", f"BEGIN;\nSELECT FROM {table} FOR UPDATE"), ("let go", "COMMIT"))
            order = [0, *[1] * len(one), *[2] * len(other), 0]
            yield self.run([gate, one, other], order)


@pytest.fixture(scope="module")
def floor(scratch: Scratch, template: Template) -> Iterator[Floor]:
    """Return a database of this module's own."""
    with (
        scratch.cloned(template, "recipes") as database,
        Sandbox(database.conninfo) as sandbox,
        Driver(database.conninfo) as driver,
    ):
        yield Floor(sandbox, driver)


def script(sql: tuple[str, ...], **values: object) -> Script:
    """Return a transaction of the application's role, one step a statement."""
    first, *rest = (filled(each, {**VALUES, **values}) for each in sql)
    return [
        ("1", f"BEGIN;\nSET LOCAL ROLE framecast_app;\n{first}"),
        *((str(n), each) for n, each in enumerate(rest, 2)),
        ("commit", "COMMIT"),
    ]


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_legal(title: str, floor: Floor) -> None:
    """A recipe of the page is accepted, and every rule holds afterwards."""
    trace = floor.run([script(RECIPES[title])], [])

    assert {0: Accepted()} == trace.outcomes
    assert {} == floor.sandbox.new_violations()


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_does_not_deadlock(title: str, floor: Floor) -> None:
    """A recipe waits for nobody who waits for it: itself, another, or who ends what it is about."""
    mine = script(RECIPES[title])
    met = [(mine, script(sql, own=WORLD.id())) for sql in RECIPES.values()]
    met.append((mine, script(RECIPES[title], own=WORLD.id(), **MIRRORED)))
    for each in SINGLES.values():
        met += [(mine, script(each)), (script(each), mine)]

    for one, other in met:
        for trace in floor.meet(one, other):
            assert {} == trace.deadlocked, (one, other, trace.order)
            assert () == trace.hung, (one, other, trace.order)


@pytest.mark.parametrize("title", WRONG)
def test_another_order_deadlocks(title: str, floor: Floor) -> None:
    """The deadlock that the page warns of happens in some order; each of the two is legal alone."""
    one, other = (script(sql) for sql in WRONG[title])
    for each in (one, other):
        assert not isinstance(floor.run([each], []).outcomes[0], Inconclusive)

    assert any(trace.deadlocked for trace in floor.meet(one, other))
