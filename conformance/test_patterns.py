"""Every pattern and text in a check or a partial key of a rule lets in only what the rule does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.engine.cases.attempt import Attempt
from conformance.engine.cases.verdicts import Verdict
from conformance.engine.domain.chosen import RULES
from conformance.engine.pytest_plugin import proof
from conformance.engine.pytest_plugin.profiles import UNCHECKED_WITH_FIXTURES
from conformance.engine.reading.patterns import Pattern, patterns
from conformance.engine.sql.writes import Insert, Path, Row, Write
from strategies.column_cases import a_row, beside
from strategies.world import World

if TYPE_CHECKING:
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.postgres.scratch import Database

TEXTS = 25  # drawn from each pattern in an example


EACH = [pytest.param(rule, id=rule.token, marks=proof.about((rule.id,))) for rule in RULES.values()]


@pytest.fixture(scope="module")
def found(database: Database) -> list[Pattern]:
    """Return the patterns of the schema's checks."""
    with database.connect() as connection:
        return patterns(connection)


@pytest.mark.parametrize("rule", EACH)
@settings(suppress_health_check=UNCHECKED_WITH_FIXTURES)
@given(data=st.data())
def test_pattern(rule: Rule, found: list[Pattern], sandbox: Sandbox, data: st.DataObject) -> None:
    """Rows that a check or a key knows by a text are sound by the rule's violation query."""
    expect_none_broken(rule, found, sandbox, data)


def _twins(pattern: Pattern, row: Row, world: World) -> list[Row]:
    """Return another row of the same key, if the pattern is of what a key is asked of."""
    if not pattern.shared:
        return []
    same = {name: row[name] for name in (*pattern.shared, pattern.column) if name in row}
    return [{**a_row(pattern.table, world), **same}]


def expect_none_broken(
    rule: Rule, found: list[Pattern], sandbox: Sandbox, data: st.DataObject
) -> None:
    """Insert rows with texts that the patterns of a rule's own checks match; of its keys, twins.

    Raises:
        Finding: One was accepted that a rule's violation query returns.
    """
    own = [pattern for pattern in found if pattern.constraint.startswith(rule.token)]
    if not own:
        return
    sandbox.reset()
    attempt, world = Attempt(sandbox, rule), World()
    for pattern in own:
        for _ in range(data.draw(st.sampled_from((1, TEXTS, TEXTS)))):
            before = len(world.given)
            row = a_row(pattern.table, world)
            text = data.draw(pattern.texts(row))
            one = {**row, pattern.column: text}
            rows = [one, *_twins(pattern, one, world)]
            writes = list[Write]()
            for each in rows:
                writes += [Insert(pattern.table, (each,)), *beside(pattern.table, world, each)]
            body = (*world.given[before:], *writes)  # with what was given to these
            attempt.carry_out(body, Path.INSERT, as_owner=True)
    for broken in sorted(sandbox.violations(), key=lambda one: one != rule.id):
        attempt.note(
            Verdict.BROKEN,
            expected=f"refused: {RULES[broken].statement}",
            observed="accepted, by a pattern that takes it for one of its own",
            cause="pattern",
            rule=broken,
        )
        raise attempt.met[-1]
