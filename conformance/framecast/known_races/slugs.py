"""Races about the slugs of teams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Insert
from conformance.framecast.known_races.definition import RaceSetup, does, known_race
from conformance.framecast.operations import Act, Operation, credit, teams

if TYPE_CHECKING:
    from conformance.framecast.model import State

OTHER_NAME = "Another name"


def _found_otherwise(state: State, user: int) -> Act:
    act = teams.FOUND.act(state, user=user, slug="taken", owned=True)
    (team,) = act.after.teams.keys() - state.teams.keys()
    after = act.after.put(replace(act.after.teams[team], name=OTHER_NAME))
    writes = (
        replace(each, rows=tuple({**row, "name": OTHER_NAME} for row in each.rows))
        if isinstance(each, Insert) and each.table == "teams"
        else each
        for each in act.writes
    )
    return Act(tuple(writes), after, act.broken)


FOUND_OTHERWISE = Operation("found a team of another name", {}, _found_otherwise)


@known_race("INV-T3", invariant="no two teams share a slug")
def one_slug_for_two(setup: RaceSetup) -> None:
    """Two teams are founded with one slug at once."""
    owners = [setup.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob")]
    for who, user in zip(("ann", "bob"), owners, strict=True):
        setup.session(who, does(teams.FOUND, user=user, slug="taken", owned=True))


@known_race("AUTO-SLUG", "INV-T3", invariant="each team gets a slug that nobody has")
def one_name_for_two(setup: RaceSetup) -> None:
    """Two teams of one name are founded at once, without a slug."""
    owners = [setup.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob")]
    for who, user in zip(("ann", "bob"), owners, strict=True):
        setup.session(who, does(teams.FOUND, user=user, slug="made", owned=True))


@known_race("AUTO-SLUG", "INV-T3", invariant="each team gets a slug that nobody has")
def one_name_for_who_began_before(setup: RaceSetup) -> None:
    """A team is founded by who looked before another one had its name, and sees no such name."""
    owners = [setup.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob")]
    setup.session("ann", does(teams.FOUND, user=owners[0], slug="made", owned=True))
    setup.session(
        "bob",
        does(credit.GRANT, payer=("users", owners[1]), amount=10),
        does(teams.FOUND, user=owners[1], slug="made", owned=True),
    )


@known_race("AUTO-SLUG", "INV-T3", invariant="no two teams share a slug")
def slug_given_while_made(setup: RaceSetup) -> None:
    """A team asks for the slug that is just being made up for another."""
    owners = [setup.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob")]
    for who, user, slug in zip(("ann", "bob"), owners, ("made", "taken"), strict=True):
        setup.session(who, does(teams.FOUND, user=user, slug=slug, owned=True))


@known_race("AUTO-SLUG", "INV-T3", invariant="no two teams share a slug")
def slug_given_to_another_name_while_made(setup: RaceSetup) -> None:
    """A team of another name asks for the slug that is just being made up."""
    owners = [setup.given.creator(f"{name}@example.com")[0] for name in ("ann", "bob")]
    setup.session("ann", does(teams.FOUND, user=owners[0], slug="made", owned=True))
    setup.session("bob", does(FOUND_OTHERWISE, user=owners[1]))


KNOWN_RACES = (
    one_slug_for_two,
    one_name_for_two,
    one_name_for_who_began_before,
    slug_given_while_made,
    slug_given_to_another_name_while_made,
)
