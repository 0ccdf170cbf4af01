"""Two statements of the product that meet at a table never wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.engine.pytest_plugin import profiles, proof
from conformance.framecast.races.locking import locking
from conformance.framecast.races.meetings import ENDINGS, Floor, Meeting
from conformance.framecast.races.places import office, studio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.postgres.scratch import Database

# A deadlock breaks no rule: who is refused tries again. It is a matter of all that locks there.
MET = frozenset({"users", "teams", "memberships", "invitations", "projects", "jobs", "api_keys"})
pytestmark = proof.about_none(near=locking(MET))


@pytest.fixture(scope="module")
def floor(sandbox: Sandbox, database: Database) -> Iterator[Floor]:
    """This worker's database, with statements that meet on it."""
    floor = Floor(sandbox, database.conninfo, office())
    yield floor
    floor.close()


@pytest.fixture(scope="module")
def studio_floor(sandbox: Sandbox, database: Database) -> Iterator[Floor]:
    """Return the same where somebody is alone in a team."""
    floor = Floor(sandbox, database.conninfo, studio())
    yield floor
    floor.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [(one, other) for at, one in enumerate(ENDINGS) for other in ENDINGS[at:]],
)
def test_what_ends_meets_what_ends(one: str, other: str, floor: Floor) -> None:
    """Statements that take much with them meet each other, at every table and in either order."""
    met = floor.pairs.of_endings(one, other)
    assert met
    for meeting in met:
        floor.meet(meeting)


def test_an_erasure_meets_all(studio_floor: Floor) -> None:
    """An erasure meets every legal statement, where a team goes with the account."""
    met = list(studio_floor.pairs.of_erasures())
    assert met
    for meeting in met:
        studio_floor.meet(meeting)


@profiles.races()
@given(data=st.data())
def test_any_two_meet(floor: Floor, data: st.DataObject) -> None:
    """Any two statements of the product meet, at any table that both lock rows of."""
    pairs = floor.pairs
    for _ in range(10):
        one, mine = data.draw(st.sampled_from(pairs.firsts))
        other, theirs = data.draw(st.sampled_from(pairs.seconds))
        for table in pairs.tables(mine, theirs):
            floor.meet(Meeting(one, other, table))
