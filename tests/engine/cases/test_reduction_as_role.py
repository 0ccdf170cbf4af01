"""Findings of a role are made as small as those of the owner."""

from typing import Final

import pytest

from conformance.engine.cases.case_runner import CaseRunner
from conformance.engine.cases.impersonation import Impersonated
from conformance.engine.cases.reduction import Reducer
from conformance.engine.cases.scenario import Scenario
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Insert
from conformance.engine.sql.writes import Path as Way
from conformance.framecast.application import APPLICATION
from conformance.framecast.rules import RULES
from strategies.world import World
from tests.support.rewriting import rechecked

FOR_THE_ROLE: Final = rechecked(
    "users", "inv_u5__users_credits_not_negative", f"credits >= 0 OR current_user = '{APPLICATION}'"
)


def others_before() -> Scenario:
    """Return a user in debt, after others, and after what only the owner may write."""
    world = World()
    asset = world.a_system_asset()
    others = [Insert("users", (world.a_starter(),)) for _ in range(3)]
    given = ((Insert("system_assets", (asset,)),), *((each,) for each in others))
    good, bad = (Insert("users", (world.a_starter(credits=some),)) for some in (0, -1))
    return Scenario(given, ((good,),), ((bad,),))


@pytest.mark.parametrize("is_in_the_run", [True, False], ids=["--role", "beside the owner"])
def test_a_finding_as_a_role_is_made_smaller(
    is_in_the_run: bool, scratch: Scratch, template: Template
) -> None:
    """Steps are left out of a role's findings as of the owner's, and these say who writes."""
    role = APPLICATION if is_in_the_run else None
    with scratch.cloned(template, "small_role") as database:
        with database.connect() as connection:
            connection.execute(FOR_THE_ROLE.encode())
        with Sandbox(database.conninfo, role) as sandbox:
            case_runner = CaseRunner(sandbox, RULES["INV-U5"], Way.INSERT)
            run = case_runner if role else Impersonated(case_runner, sandbox, APPLICATION)
            with pytest.raises(Finding) as caught:
                run.run(others_before())
            smallest = Reducer(60).smallest(caught.value, sandbox)

    assert (Verdict.BROKEN, caught.value.cause) == (smallest.verdict, smallest.cause)
    assert 3 < caught.value.script.count("INSERT")
    assert f"SET ROLE {APPLICATION};\nBEGIN;\nINSERT INTO public.users" in smallest.script
    assert 1 == smallest.script.count("INSERT")
