"""A hang in every setup costs its timeout twice, and not once a test."""

import time
from pathlib import Path
from typing import Final

import pytest

from conformance.engine.database.hanging import OFTEN, Stuck
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.outcomes import Inconclusive
from conformance.engine.sql.writes import Insert, Update, statements
from strategies.world import World
from tests.planted.variations.running import IMPATIENT, ONE_PROCESS, run
from tests.planted.variations.variation import Variation

# A trigger that never comes to its end.
HANGS: Final = """
    CREATE FUNCTION framecast.tg_{0}__hang() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        LOOP
            NULL;
        END LOOP;
    END;
    $$;
    CREATE TRIGGER _100_hang BEFORE INSERT ON public.{0}
    FOR EACH ROW EXECUTE FUNCTION framecast.tg_{0}__hang();
"""


def test_what_has_hung_is_not_tried_again(scratch: Scratch, template: Template) -> None:
    """A transaction that writes what has hung is not sent; any other is, in each session."""
    with scratch.cloned(template, "hanging") as database:
        with database.connect() as connection:
            connection.execute(HANGS.format("teams").encode())
        with Sandbox(database.conninfo, stuck=Stuck()) as sandbox:
            sandbox.session.connection.execute("SET statement_timeout = '300ms'")
            world = World()
            user, team = world.a_starter(), world.a_team()
            body = statements(Insert("teams", (team,)))
            first = [sandbox.session.run(body) for _ in range(OFTEN)]
            begun = time.monotonic()
            later = [sandbox.session.run(body) for _ in range(100)]
            beside = sandbox.session.run(statements(Insert("users", (user,))))
            again = sandbox.session.run(
                statements(Update("users", {"id": user["id"]}, {"credits": 1}))
            )

    assert time.monotonic() - begun < 2
    assert all(isinstance(each, Inconclusive) for each in first)
    said = "not tried again: INSERT INTO public.teams ran until its timeout"
    assert {Inconclusive("57014", said)} == set(later)
    assert ("accepted", "accepted") == (str(beside), str(again))


@pytest.mark.parametrize("table", ["users"])
def test_a_run_ends_soon(table: str, tmp_path: Path) -> None:
    """A run on a schema in which every setup hangs says so once, in minutes rather than hours."""
    hanging = Variation("users hang", "inv_u5__ and test_rule", HANGS.format(table))
    begun = time.monotonic()
    ended = run(hanging, tmp_path, "-q", "-k", hanging.chosen, *ONE_PROCESS, *IMPATIENT)

    assert time.monotonic() - begun < 60
    assert 1 == ended.code
    assert {"INV-U5": "unproven"} == ended.unheld
    assert "ran until its timeout" in "\n".join(ended.lines)
