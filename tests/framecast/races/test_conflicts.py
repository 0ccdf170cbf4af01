"""Two sessions meet wherever what one does makes what the other does illegal, named by nobody."""

from typing import Final

import pytest

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.mutants import pool
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.operations import OPERATIONS
from conformance.framecast.races.conflicts import (
    GONE,
    LEVELS,
    SETUPS,
    asked_at_commit,
    conflicts,
    ways,
)
from tests.support.rewriting import rewritten

# A lock that is left out -> a rule of those that it keeps where two sessions are at work.
PLANTED: Final = {
    rewritten(function, lock, "NULL;\n"): rule
    for function, lock, rule in (
        (
            "tg_invitations__lock_inviter_and_team",
            "PERFORM framecast.lock_teams(ARRAY[NEW.team_id]);\n",
            "CARD-4",
        ),
        (
            "tg_jobs__starter_has_at_most_1_active",
            "PERFORM framecast.lock_users(ARRAY[NEW.triggered_by]);\n",
            "CARD-6",
        ),
    )
}


@pytest.mark.parametrize("sql", PLANTED)
def test_a_lock_that_is_missing_is_found(sql: str, scratch: Scratch, template: Template) -> None:
    """Mutants have a phase in which both sessions are accepted, and the rule is broken."""
    (phase,) = pool.named(["conflicts"])
    (part,) = phase.parts(Mutant("a", "b", "c", (), rules=(PLANTED[sql],)))
    with scratch.cloned(template, "conflicts") as database:
        with database.connect() as connection:
            connection.execute(sql.encode())
        with Sandbox(database.conninfo) as sandbox, pytest.raises(Finding) as caught:
            part.run(sandbox)

    assert PLANTED[sql] == caught.value.rule


def test_most_operations_meet_another() -> None:
    """Every operation that others can make illegal meets one that does."""
    seconds = {each.second.operation.name for name in SETUPS for each in conflicts(name)}

    assert len(seconds) > len(OPERATIONS) / 2


def test_a_conflict_is_legal_from_either_side() -> None:
    """Either step is legal at the start; the second is refused after the first."""
    for each in conflicts("a team"):
        assert not each.first.broken | each.second.broken
        assert each.rules


def test_a_conflict_is_tried_once() -> None:
    """What is known of one start is not tried from another one again."""
    kinds = [each.kind for name in SETUPS for each in conflicts(name)]

    assert len(kinds) == len({*kinds})


def test_one_session_may_be_serializable_alone(scratch: Scratch, template: Template) -> None:
    """Each is tried at levels that differ; what waits for the commit, also asked at once."""
    with scratch.cloned(template, "conflicts") as database, Sandbox(database.conninfo) as sandbox:
        deferred = asked_at_commit(sandbox.owner)

    assert {"INV-T2", "INV-U2", "INV-I8", "PRIVACY-1"} <= deferred
    assert GONE not in deferred
    assert {0, 1} == {
        len(ways(each, deferred)) - len(LEVELS) * len(each.orders) for each in conflicts("a team")
    }
