"""Setups: whatever a schema lacks, they begin with what is left, or come to nothing."""

from typing import Final

import pytest

from conformance.engine.sql.writes import Delete, Insert, Update, Write
from conformance.framecast.model import State
from conformance.framecast.operations.setups import BY_NAME, begin

TABLES: Final = ("users", "teams", "memberships", "invitations", "projects", "jobs", "api_keys")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("like", BY_NAME)
def test_a_setup_goes_without_a_table(like: str, table: str) -> None:
    """Neither an error nor a row of the table comes of it, whatever it would have gone on with."""

    def lack(write: Write) -> tuple[str, str]:
        is_lost = isinstance(write, Insert | Update | Delete) and write.table == table
        return (table, "id") if is_lost else ("", "")

    planned, skipped = begin(State(), like, lack)

    assert planned is None or not getattr(planned.after, table)
    assert skipped or like == "nothing" or planned is not None
