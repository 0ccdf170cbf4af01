"""Objects of a schema, and the rules that rest on each: none is left without rule or reason."""

from fnmatch import fnmatchcase

import pytest

from conformance.engine.changed import inventory
from conformance.engine.domain.chosen import domain
from conformance.engine.postgres.scratch import Scratch, Template


@pytest.fixture(scope="module")
def objects(scratch: Scratch, template: Template) -> list[inventory.Object]:
    """The objects of the schema."""
    with scratch.cloned(template, "serving") as database, database.connect() as connection:
        return [*inventory.read(connection)]


def test_every_object_serves_a_rule_or_has_a_reason(objects: list[inventory.Object]) -> None:
    """Locks, bookkeeping and what sets values serve the rules that rest on them; others say why."""
    assert [] == [each.name for each in objects if not each.rules and not each.reason]


def test_no_reason_is_left_over(objects: list[inventory.Object]) -> None:
    """Each pattern of a reason names an object that serves no rule."""
    idle = [
        f"{each.kind} {each.on and f'{each.on}.'}{each.name}" for each in objects if not each.rules
    ]
    assert idle
    patterns = domain().beside
    assert [] == [each for each in patterns if not any(fnmatchcase(name, each) for name in idle)]
