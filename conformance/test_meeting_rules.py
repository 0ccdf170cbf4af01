"""Two sessions that each do what is legal alone: rules hold at the end, at every level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.engine.derived import meeting_runner
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.pytest_plugin import profiles, proof
from conformance.engine.races.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.postgres.scratch import Database

MEETINGS = domain().meetings()


@pytest.fixture(scope="module")
def driver(database: Database) -> Iterator[Driver]:
    """Two sessions on this worker's database."""
    with Driver(database.conninfo, sessions=2) as driver:
        yield driver


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(rule, id=RULES[rule].token, marks=proof.about({rule}, wide=True))
        for rule in MEETINGS
    ],
)
@profiles.meetings()
@given(data=st.data())
def test_two_sessions(rule: str, sandbox: Sandbox, driver: Driver, data: st.DataObject) -> None:
    """In any order of two sessions, no rule is broken once both have ended."""
    meeting = data.draw(MEETINGS[rule].on(sandbox.owner))
    assert meeting_runner.run(sandbox, driver, RULES[rule], meeting)
