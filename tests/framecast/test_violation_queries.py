"""The violation queries: silent where nothing is wrong, and not blind where something is."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from conformance.engine.database import change_log
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import statements
from conformance.framecast.rules import RULES
from strategies.world import World
from tests.planted import planted_changes, planted_erasures, planted_rows
from tests.planted.planting import STRIP, Plant

PLANTED = (planted_rows, planted_changes, planted_erasures)
PLANTS: dict[str, tuple[Plant, ...]] = {
    rule: tuple(plant for each in PLANTED for plant in each.PLANTS.get(rule, ())) for rule in RULES
}
EACH = [
    pytest.param(rule, plant, id=f"{RULES[rule].token}{number}")
    for rule, plants in PLANTS.items()
    for number, plant in enumerate(plants)
]


@pytest.fixture(scope="module")
def stripped(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a database where nothing is refused, as a replica, which fires no trigger."""
    with scratch.cloned(template, "stripped") as database, database.connect() as connection:
        change_log.install(connection)
        connection.execute(STRIP)
        connection.execute("SET session_replication_role = replica")
        yield connection


def test_every_rule_has_a_plant() -> None:
    """For every rule there is a violation to be seen, for every part of its query at the least."""
    assert set(RULES) == {rule for each in PLANTED for rule in each.PLANTS}
    for name, rule in RULES.items():
        for query in (rule.violations, rule.at_scale):
            assert len(PLANTS[name]) > query.count(" UNION ALL "), name


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_database_breaks_nothing(rule: str, stripped: psycopg.Connection[Any]) -> None:
    """Every violation query runs, and returns nothing where there is nothing."""
    assert [] == stripped.execute(RULES[rule].violations).fetchall()


@pytest.mark.parametrize(("rule", "plant"), EACH)
def test_a_planted_violation_is_seen(
    rule: str, plant: Plant, stripped: psycopg.Connection[Any]
) -> None:
    """A violation query returns the keys of what breaks its rule, and no others."""
    planted = plant(World())
    with stripped.transaction(force_rollback=True):
        for write in planted.writes:
            for statement in statements(write):
                stripped.execute(statement.sql)
        seen = stripped.execute(RULES[rule].violations).fetchall()

    assert planted.keys == {key for (key,) in seen}
