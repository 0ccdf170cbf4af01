"""Statements that meet: few of an operation's arguments come to all that any of them come to."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.races.trace import Trace
from conformance.framecast.operations import OPERATIONS
from conformance.framecast.races.meetings import (
    SERIALS,
    Floor,
    Kind,
    Pairs,
    Plan,
    legal,
    of_each_kind,
    plans,
    refused,
)
from conformance.framecast.races.places import office, studio
from conformance.framecast.races.schedule import Start


@pytest.mark.parametrize("make", [office, studio])
def test_few_arguments_come_to_all_kinds(
    make: Callable[[], Start], scratch: Scratch, template: Template
) -> None:
    """Few arguments come to the same locks on other tables, and the same refusals, as all."""
    start = make()
    state = replace(start.state, serial=SERIALS)
    large = 0
    with scratch.cloned(template, "meet") as database, Sandbox(database.conninfo) as sandbox:
        floor = Floor(sandbox, database.conninfo, start)

        def kinds(some: Iterable[Plan]) -> set[Kind]:
            return {kind for _, kind in of_each_kind(sandbox.owner, (one.single for one in some))}

        for operation in filter(lambda each: each.possible(state), OPERATIONS.values()):
            near, every = plans(operation, state), list(plans(operation, state, every=True))
            some = list(near)
            large += len(every) > len(some)
            assert kinds(every) == kinds([*legal(some), *refused(some)]), operation.name
        floor.close()

    assert large >= 3


def test_a_schema_that_refuses_all_erasures_is_found() -> None:
    """Where no erasure is legal, none has met anything."""
    with pytest.raises(Finding, match="every one is refused"):
        list(Pairs((), (), frozenset()).of_erasures())


def test_two_that_wait_for_each_other_are_found_with_what_they_did(
    scratch: Scratch, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deadlock is a finding with its schedule, such that it can be done again."""
    start = office()
    with scratch.cloned(template, "wait") as database, Sandbox(database.conninfo) as sandbox:
        floor = Floor(sandbox, database.conninfo, start)
        run = floor._driver.run

        def deadlocked(*arguments: Any) -> Trace:
            trace = run(*arguments)
            trace.deadlocked[1] = (1, 2)
            return trace

        monkeypatch.setattr(floor._driver, "run", deadlocked)
        meeting = next(iter(floor.pairs.of_operations(*OPERATIONS)))
        with pytest.raises(Finding, match="wait for each other") as found:
            floor.meet(meeting)
        floor.close()

    schedule = found.value.schedule
    assert schedule is not None
    assert 3 == len(schedule.sessions)
    assert [sql for script in meeting.scripts for _, sql in script] == [
        turn.sql for place in range(3) for turn in schedule.turns if turn.session == place
    ]
