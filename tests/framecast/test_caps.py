"""Ways to a cap: each that the product has is raced, and each does what it says."""

from collections.abc import Iterator
from itertools import product

import pytest

from conformance.engine.kinds.at_most import AtMost
from conformance.framecast.known_races.caps import WAYS, Ways
from conformance.framecast.known_races.definition import RaceSetup, RaceStep
from conformance.framecast.machines.coverage import CAPS
from conformance.framecast.model import State
from conformance.framecast.operations import OPERATIONS, Step, step
from conformance.framecast.operations.tables import tables_of
from conformance.framecast.rules import RULES

MANY = 40_000  # combinations of an operation's arguments, all of which are looked at


def cap_of(rule: str) -> AtMost:
    """Return the declaration of a cap."""
    kind = RULES[rule].kind
    assert isinstance(kind, AtMost)
    return kind


def built(rule: str) -> tuple[State, Ways]:
    """Return a state with room for one more, and the ways that are raced from there."""
    given = RaceSetup().given
    ways = WAYS[rule](given)
    return given.state, ways


def planned(state: State, way: RaceStep) -> Step:
    """Return what an operation does there."""
    return step(state, way.operation, way.arguments)


def raised(cap: AtMost, before: State, after: State) -> set[object]:
    """Return who has one row more than before, and now as many as there may be."""
    was, now = cap.counts(before), cap.counts(after)
    return {each for each in now if now[each] == cap.most == was[each] + 1}


def steps(state: State, table: str) -> Iterator[Step]:
    """Yield all that the product can do which writes a table."""
    for operation in OPERATIONS.values():
        if table not in tables_of([operation]) or not operation.possible(state):
            continue
        choices = [tuple(dict.fromkeys(choice(state))) for choice in operation.takes.values()]
        for number, values in enumerate(product(*choices)):
            assert number < MANY, operation.name
            try:
                yield step(state, operation, dict(zip(operation.takes, values, strict=True)))
            except LookupError:  # it names what is not there
                continue


def test_every_cap_has_its_races() -> None:
    """Rules that say the same share them."""
    assert {cap_of(rule) for rule in WAYS} == set(CAPS.values())


@pytest.mark.parametrize("rule", WAYS)
def test_ways_change_the_same_count_by_one(rule: str) -> None:
    """Each way in is legal and takes the last room; one more breaks the cap and nothing else."""
    state, ways = built(rule)
    cap = cap_of(rule)
    same = {each.id for each in RULES.values() if each.kind == cap}
    first = planned(state, ways.enter[0])
    (who,) = raised(cap, state, first.after)
    for way in ways.enter:
        one = planned(state, way)
        assert not one.broken
        assert {who} == raised(cap, state, one.after)
    for way in ways.enter[1:]:
        assert same == set(planned(first.after, way).broken)
    for way in ways.leave:
        less = planned(first.after, way)
        assert not less.broken
        assert not same & planned(less.after, ways.enter[1]).broken


@pytest.mark.parametrize("rule", WAYS)
def test_every_way_of_the_product_is_raced(rule: str) -> None:
    """Every operation that takes the last room legally is one of the ways in."""
    state, ways = built(rule)
    cap = cap_of(rule)
    (who,) = raised(cap, state, planned(state, ways.enter[0]).after)

    found = {
        each.operation.name
        for each in steps(state, cap.table)
        if not each.broken and who in raised(cap, state, each.after)
    }

    assert found <= {way.operation.name for way in ways.enter}
