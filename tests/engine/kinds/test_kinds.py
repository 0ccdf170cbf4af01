"""Kinds of rules: a declaration's query and its judgement in the model follow from it."""

from dataclasses import dataclass, field, replace

import pytest

from conformance.engine.kinds.at_least import AtLeast
from conformance.engine.kinds.at_most import AtMost
from conformance.engine.kinds.check import Check
from conformance.engine.kinds.fixed import Fixed
from conformance.engine.kinds.keys import References, Unique
from conformance.engine.kinds.transitions import Transitions, legal
from conformance.framecast.rules import RULES


@dataclass
class Row:
    """A row of a model that only these tests know."""

    parent: int | None
    name: str | None = None


@dataclass
class Model:
    """Two tables of such rows."""

    children: dict[int, Row] = field(default_factory=dict)
    parents: dict[int, Row] = field(default_factory=dict)


def children(*rows: Row) -> Model:
    """Return a model with a parent, 1, and some children."""
    return Model(dict(enumerate(rows)), {1: Row(None)})


CAP = AtMost(2, "children c", "c.parent", lambda state: (c.parent for c in state.children.values()))


@pytest.mark.parametrize(("count", "is_broken"), [(0, False), (1, False), (2, False), (3, True)])
def test_a_cap_is_broken_by_one_more(count: int, *, is_broken: bool) -> None:
    """As many as the cap says are allowed; another parent's rows do not count."""
    state = children(*[Row(1)] * count, *[Row(2)] * 2)

    assert is_broken == CAP.is_broken(state)
    assert count == CAP.counts(state)[1]


FLOOR = AtLeast(
    2,
    "children c",
    "c.parent",
    "parents p",
    counted=lambda state: (c.parent for c in state.children.values()),
    needing=lambda state: state.parents,
)


@pytest.mark.parametrize(("count", "is_broken"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_floor_is_broken_by_one_fewer(count: int, *, is_broken: bool) -> None:
    """As many as the floor says are needed; another parent's rows do not count."""
    assert is_broken == FLOOR.is_broken(children(*[Row(1)] * count, *[Row(2)] * 2))


def test_a_floor_asks_for_parents_with_too_few() -> None:
    """One row is looked for, more are counted; parents that need none are left out."""
    one = replace(FLOOR, least=1, where="c.name = 'x'", among="p.name = 'y'")

    assert FLOOR.violations == (
        "SELECT p.id::text FROM parents p"
        " WHERE (SELECT count(*) FROM children c WHERE c.parent = p.id) < 2"
    )
    assert one.violations == (
        "SELECT p.id::text FROM parents p WHERE p.name = 'y'"
        " AND NOT EXISTS (SELECT FROM children c WHERE c.parent = p.id AND c.name = 'x')"
    )


@pytest.mark.parametrize(("most", "near"), [(1, (1, 2)), (2, (1, 2, 3)), (50, (49, 50, 51))])
def test_counts_around_a_cap_must_be_seen(most: int, near: tuple[int, ...]) -> None:
    """One below, at and above the cap; none is no count."""
    assert near == AtMost(most, "children c", "c.parent", lambda _: ()).near


def test_a_cap_asks_for_rows_that_count() -> None:
    """The condition and the rows that have no parent are left out, and the sieve comes before."""
    cap = AtMost(2, "children c", "c.parent", lambda _: (), where="c.name = 'x'", sifted=True)

    assert cap.violations == (
        "SELECT c.parent::text FROM children c WHERE c.name = 'x' AND c.parent IS NOT NULL"
        " AND c.parent IN (SELECT c.parent FROM children c GROUP BY c.parent"
        " HAVING count(*) > 2 OFFSET 0) GROUP BY c.parent HAVING count(*) > 2"
    )


@pytest.mark.parametrize(
    ("rows", "is_broken"),
    [
        ((Row(1, "a"), Row(1, "b"), Row(2, "a")), False),
        ((Row(1, "a"), Row(2, "b"), Row(1, "a")), True),
        ((Row(1), Row(1)), False),
    ],
)
def test_rows_are_alike_in_all_columns(rows: tuple[Row, ...], *, is_broken: bool) -> None:
    """Rows that differ in one column are not alike, nor are those with a null."""
    key = Unique("children", ("parent", "name"), ("parent", "name"))

    assert is_broken == key.is_broken(children(*rows))


@pytest.mark.parametrize(("parent", "is_broken"), [(1, False), (2, True), (None, True)])
def test_a_reference_names_a_row(parent: int | None, *, is_broken: bool) -> None:
    """A row that is not there breaks it."""
    reference = References("children", "parent", "parents", "parent")

    assert is_broken == reference.is_broken(children(Row(parent)))


def test_a_check_says_what_breaks_it() -> None:
    """Where the model lacks the columns, it does not judge."""
    named = Check("children", "name IS NULL", lambda row: row.name is None)

    assert named.violations == "SELECT id::text FROM children WHERE name IS NULL"
    assert named.model is not None
    assert named.model(children(Row(1, "a"), Row(1)))
    assert not named.model(children(Row(1, "a")))
    assert Check("children", "age < 0").model is None


def test_a_null_may_be_another_rules() -> None:
    """The query leaves nulls out where it is told to."""
    whole, part = (
        References("children", "parent", "parents", "parent", null=null) for null in (True, False)
    )

    parts = whole.violations.split(" UNION ALL ")

    assert [part.violations, "SELECT id::text FROM children WHERE parent IS NULL"] == parts


DOOR = Transitions("doors", ("open", "shut", "gone"), legal(">open open>shut shut>open shut>gone"))


def test_moves_are_asked_of_every_change() -> None:
    """A first state that is none, and a pair that is not legal, break the rule."""
    assert DOOR.violations == (
        "SELECT coalesce(new, old) ->> 'id' FROM conformance.fresh c WHERE tbl = 'doors' AND ("
        "op = 'INSERT' AND new ->> 'status' NOT IN ('open')"
        " OR op = 'UPDATE' AND old ->> 'status' <> new ->> 'status'"
        " AND (old ->> 'status', new ->> 'status') NOT IN"
        " (('open', 'shut'), ('shut', 'open'), ('shut', 'gone')))"
    )


def test_what_else_breaks_a_move_is_asked_too() -> None:
    """Where any state may be the first one, no insert breaks the rule."""
    free = replace(DOOR, legal=DOOR.legal | legal(">shut >gone"), also="op = 'DELETE'")

    assert "INSERT" not in free.violations
    assert free.violations.endswith(" OR op = 'DELETE')")


def test_a_state_machine_has_every_pair() -> None:
    """A state with itself counts only where that is said; what cannot be does not."""
    again = replace(DOOR, again=frozenset({"shut"}), never=legal("gone>open"))

    assert len([*DOOR.pairs()]) == 3 + 6
    assert {*again.pairs()} == {*DOOR.pairs(), ("shut", "shut")} - {("gone", "open")}


def test_what_is_fixed_is_asked_by_table() -> None:
    """Each change of each column, save one that is allowed."""
    asked = Fixed({"doors": ("id", "house"), "keys": ("door",)}, unless="c.new IS NULL").violations

    assert "(VALUES ('doors', '{id,house}'::text[]), ('keys', '{door}'::text[]))" in asked
    assert asked.endswith("IS DISTINCT FROM c.new -> k.name AND NOT (c.new IS NULL))")


def test_rules_of_a_kind_speak_of_its_tables() -> None:
    """A rule that was declared has its query from there, and more only where that is written."""
    declared = {rule.id: rule for rule in RULES.values() if rule.kind is not None}
    more = {
        rule.id
        for rule in declared.values()
        if rule.kind is not None
        and (rule.violations, rule.model) != (rule.kind.violations, rule.kind.model)
    }

    assert {"CARD-4", "INV-M3", "INV-M5", "INV-J5", "STATE-JOB"} < set(declared)
    assert {"STATE-PROJECT"} == more
