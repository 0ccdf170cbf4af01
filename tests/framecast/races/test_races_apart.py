"""Colleagues who have nothing to do with each other wait where a lock is wider than its rule."""

from typing import Final

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.runner import RaceRunner
from tests.support.rewriting import rewritten

BEGIN: Final = "\nBEGIN\n"


def first(function: str, statement: str) -> str:
    """Return SQL that makes a function do something first."""
    return rewritten(function, BEGIN, f"{BEGIN}    {statement}\n")


# What an engineer locks -> the SQL, and the known races in which somebody waits for that.
WIDE: Final = {
    "the team of a new job": (
        first(
            "tg_jobs__may_be_made",
            "PERFORM FROM public.teams AS t WHERE t.id = framecast.urn_team(NEW.owner) FOR UPDATE;",
        ),
        ("job_made_while_its_team_is_renamed", "job_made_beside_a_project"),
    ),
    "all members of the team of who acts": (
        first(
            "user_may",
            "PERFORM FROM public.memberships AS m WHERE m.team_id = p_team_id FOR UPDATE;",
        ),
        ("two_members_make_projects", "two_members_upload"),
    ),
}


@pytest.mark.parametrize("name", WIDE)
def test_a_lock_of_a_whole_team_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """Colleagues who do what neither asks of the other do not wait for each other."""
    sql, races = WIDE[name]
    with scratch.cloned(template, "apart") as database:
        with database.connect() as connection:
            connection.execute(sql.encode())
        with Sandbox(database.conninfo) as sandbox, Harness(sandbox, database.conninfo) as harness:
            for race in races:
                with pytest.raises(Finding, match="waits for") as caught:
                    RaceRunner(harness).run_all(KNOWN_RACES[f"lock_order__{race}"])
                assert Verdict.OVERBLOCKED == caught.value.verdict
