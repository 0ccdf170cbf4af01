"""The rules that a change can reach: for each trigger and function, all that it serves."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from conformance.engine.audit.description import Description, describe
from conformance.engine.catalogue.schema import Schema, read
from conformance.engine.catalogue.serving import served
from conformance.engine.changed.compare import concerned
from conformance.engine.gate import influence
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.rules import RULES

# Asks who writes: added to a definition, it makes it one that may let the application pass.
WHO: Final = " -- session_user"
# Beyond what they serve as the map of mutants has it: triggers that write other tables.
WRITTEN: Final = {
    "_500_move_project on public.jobs": "projects",
    "_500_revoke_keys on public.memberships": "api_keys",
    "_200_write_memberships on public.api_keys": "memberships",
}


class Described(NamedTuple):
    """A schema, as the gate and as the makers of mutants describe it."""

    texts: Description
    schema: Schema


@pytest.fixture(scope="module")
def described(scratch: Scratch, template: Template) -> Iterator[Described]:
    """The schema as it is."""
    with scratch.cloned(template, "influence") as database, database.connect() as connection:
        yield Described(describe(connection), read(connection))


def reached(described: Described, key: tuple[str, str]) -> frozenset[str]:
    """Return the rules that are asked where a definition begins to ask who writes."""
    before = described.texts
    steps = [before, {**before, key: f"{before[key]}{WHO}"}]
    assert influence.minds_who_writes(steps)
    near = influence.near(steps)
    return frozenset(RULES) if near is None else near


def name(kind: str, row: Any) -> str:
    """Return what the gate calls a trigger or a function."""
    if kind == "functions":
        return re.sub(r"(?<![\w.])public\.", "", row.signature)
    table = row.table if "." in row.table else f"public.{row.table}"
    return f"{row.name} on {table}"


@pytest.mark.parametrize("kind", ["triggers", "functions"])
def test_all_rules_that_an_object_serves_are_near(described: Described, kind: str) -> None:
    """Where a guard lets somebody pass, the rules that rest on it are asked as the role."""
    rows = getattr(described.schema, kind)
    texts = {called: key for key in described.texts for called in [key[1]] if key[0] == kind[:-1]}
    missed = {}
    for row in rows:
        rules = {*served(described.schema, kind, row), *concerned(described.schema, kind, row)[0]}
        if left := rules - reached(described, texts[name(kind, row)]):
            missed[name(kind, row)] = sorted(left)

    assert len(rows) > 50
    assert missed == {}


@pytest.mark.parametrize(("trigger", "table"), WRITTEN.items())
def test_rules_of_a_table_that_a_trigger_writes_are_near(
    described: Described, trigger: str, table: str
) -> None:
    """A trigger that no longer fires leaves undone what its function does to another table."""
    rules = {rule.id for rule in RULES.values() if table in rule.tables}
    assert rules <= reached(described, ("trigger", trigger))
