"""Runs: what the judges see of a transaction, whatever else it does."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from benchmarks.planted_sequences import edit
from conformance.engine.cases.gaps import Gaps
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.model.entities import Owner
from conformance.framecast.operations import clock, keys, memberships, projects, step, users

MIGRATIONS = Path(__file__).parents[3] / "migrations"

# What gets older loses its credits, even where triggers sleep.
AGE_COSTS = """
ALTER TABLE public.users DROP CONSTRAINT inv_u5__users_credits_not_negative;
CREATE FUNCTION framecast.tg_users__age_costs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.credits := -1;
    RETURN NEW;
END;
$$;
CREATE TRIGGER _500_age_costs BEFORE UPDATE OF created_at ON public.users
FOR EACH ROW EXECUTE FUNCTION framecast.tg_users__age_costs();
ALTER TABLE public.users ENABLE ALWAYS TRIGGER _500_age_costs;
"""

# Whoever has made a project of the team before may make another one.
MADE_BEFORE = edit(
    "tg_projects__creator_may_create",
    "IF NOT framecast.user_may(NEW.team_id, NEW.created_by, 'projects.create') THEN",
    """IF NOT framecast.user_may(NEW.team_id, NEW.created_by, 'projects.create') AND NOT EXISTS (
        SELECT FROM public.projects AS p
        WHERE p.team_id = NEW.team_id AND p.created_by = NEW.created_by AND p.id <> NEW.id
    ) THEN""",
)

REVIVED_BY_ANYBODY = "DROP TRIGGER _300_role_2__api_keys_maker_may_revive ON public.api_keys"

Holed = Callable[[str], Sandbox]


@pytest.fixture
def holed(scratch: Scratch, tmp_path: Path) -> Iterator[Holed]:
    """Return who makes a database with a fault."""
    with ExitStack() as databases:

        def make(fault: str) -> Sandbox:
            schema = Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))
            (schema / "999_fault.sql").write_text(fault)
            database = databases.enter_context(scratch.cloned(scratch.template(schema), "runs"))
            return databases.enter_context(Sandbox(database.conninfo))

        yield make


def test_what_time_breaks_is_seen(holed: Holed) -> None:
    """After time has passed all violation queries are asked, though nobody noted a write."""
    run = MachineRun(holed(AGE_COSTS), Log())
    run.do(users.SIGN_UP, {"email": "ann@example.com"})

    with pytest.raises(Finding) as caught:
        run.do(clock.PASS, {"days": 1})

    assert ("INV-U5", Verdict.BROKEN) == (caught.value.rule, caught.value.verdict)


def test_a_run_in_which_time_passed_leaves_nothing(holed: Holed) -> None:
    """Rows written after time has passed are gone in the next run, whatever their table."""
    sandbox = holed("-- none")
    run = MachineRun(sandbox, Log())
    run.do(users.SIGN_UP, {"email": "ann@example.com"})
    run.do(clock.PASS, {"days": 1})
    run.do(users.SIGN_UP_AS_CREATOR, {"email": "bob@example.com", "team": True})

    MachineRun(sandbox, Log()).do(users.SIGN_UP, {"email": "cid@example.com"})

    assert [(1, 0)] == sandbox.session.fetch(
        "SELECT (SELECT count(*) FROM public.users), (SELECT count(*) FROM public.teams)"
    )


def test_the_viewer_of_a_team_has_a_past(holed: Holed) -> None:
    """A viewer who was an admin, and made a project then, may not make another one."""
    run = MachineRun(holed(MADE_BEFORE), Log())
    run.begin("a team")
    (viewer,) = (each for each in run.state.memberships.values() if each.role == "viewer")

    with pytest.raises(Finding) as caught:
        run.do(projects.MAKE, {"by": (viewer.user, viewer.team), "status": "draft"})

    assert ("ROLE-2", Verdict.BROKEN) == (caught.value.rule, caught.value.verdict)


@pytest.mark.parametrize("fault", ["-- none", REVIVED_BY_ANYBODY])
def test_a_key_is_revived_by_whoever_may_make_one(holed: Holed, fault: str) -> None:
    """A user who has become a viewer is refused a key; a schema that lets them is seen."""
    run = MachineRun(holed(fault), Log())
    run.begin("keys of each kind")
    key, held = next(
        (key, held)
        for key in run.state.api_keys.values()
        for held in run.state.memberships.values()
        if key.owner == Owner(held.team) and key.user == held.user and held.role != "owner"
    )
    run.do(keys.REVOKE, {"key": key.id})
    run.do(keys.REVIVE, {"key": key.id})
    run.do(keys.REVOKE, {"key": key.id})
    run.do(memberships.CHANGE_ROLE, {"membership": held.id, "role": "viewer"})

    with nullcontext() if fault == "-- none" else pytest.raises(Finding) as caught:
        run.do(keys.REVIVE, {"key": key.id})

    assert caught is None or ("ROLE-2", Verdict.BROKEN) == (caught.value.rule, caught.value.verdict)


def test_a_run_goes_on_while_the_database_works(holed: Holed) -> None:
    """A broken rule is found where the next transaction would begin, which is not done."""
    run = MachineRun(holed(AGE_COSTS), Log())
    run.do(users.SIGN_UP, {"email": "ann@example.com"})
    run.start([step(run.state, clock.PASS, {"days": 1})])
    later = step(run.state, users.SIGN_UP, {"email": "bob@example.com"})

    with pytest.raises(Finding) as caught:
        run.start([later])

    assert ("INV-U5", Verdict.BROKEN) == (caught.value.rule, caught.value.verdict)
    assert "bob@example.com" not in caught.value.script
    assert [("ann@example.com",)] == run.sandbox.session.fetch("SELECT email FROM public.users")


def test_a_run_knows_what_was_not_taken(holed: Holed) -> None:
    """A step that was chosen for a state that never was is not done; the next one is."""
    log = Log(gaps=Gaps())
    run = MachineRun(holed("ALTER TABLE public.projects DROP COLUMN status CASCADE"), log)
    run.begin("a team")
    before = run.state
    (project,) = before.projects
    made = step(before, projects.SAY, {"project": project, "status": "archived"})
    run.start([made])
    assert made.after.projects == run.state.projects
    run.start([step(run.state, users.SIGN_UP, {"email": "gus@example.com"})])
    assert (before.users, before.projects) == (run.state.users, run.state.projects)
    run.start([step(run.state, users.SIGN_UP, {"email": "hal@example.com"})])
    run.settle()

    assert [("hal@example.com",)] == run.sandbox.session.fetch(
        "SELECT email FROM public.users WHERE email IN ('gus@example.com', 'hal@example.com')"
    )


def test_time_passes_beside_the_session(holed: Holed) -> None:
    """Rows get older in another session, and this one keeps its plans; the log notes nothing."""
    run = MachineRun(holed("-- none"), Log())
    run.do(users.SIGN_UP, {"email": "ann@example.com"})
    session = run.sandbox.session
    (before,) = session.fetch("SELECT max(seq), min(began) FROM conformance.changes")
    run.do(clock.PASS, {"days": 7})

    assert [before] == session.fetch("SELECT max(seq), min(began) FROM conformance.changes")
    assert [(True,)] == session.fetch(
        "SELECT created_at < now() - interval '6 days' FROM public.users"
    )
    assert [(1,)] == session.fetch(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND query LIKE '%interval ''7 days''%'"
    )
