"""A failure names the rule that it is about, and what differs, and no more."""

from collections.abc import Iterator

import pytest

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.races.orders import following
from conformance.engine.races.trace import Trace
from conformance.engine.sql.outcomes import Accepted, Rejected
from conformance.framecast.known_races import KNOWN_RACES
from conformance.framecast.machines import differences
from conformance.framecast.machines.log import Log
from conformance.framecast.machines.run import MachineRun
from conformance.framecast.model import view
from conformance.framecast.operations import credit, projects, users
from conformance.framecast.races import serializability
from conformance.framecast.races.harness import Harness
from conformance.framecast.races.schedule import Race

CAP = "card_5__make_a_job_and_make_a_job"
LEAVE = "inv_t2__two_owners_leave"


@pytest.fixture(scope="module")
def sandbox(scratch: Scratch, template: Template) -> Iterator[Sandbox]:
    """Lend a database of this module's own."""
    with scratch.cloned(template, "differences") as database, Sandbox(database.conninfo) as sandbox:
        yield sandbox


def fault(
    race: Race, trace: Trace, shown: dict[str, set[str]], about: tuple[str, ...] = ()
) -> Finding:
    """Return what is wrong with a race that was run."""
    explained = serializability.explained(race, trace, shown)
    found = serializability.faults(
        race, trace, {}, shown, explained=explained, events={}, about=about
    )
    return next(found)


def test_only_what_differs_is_told() -> None:
    """Of rows that differ in one column, that column is shown; a row that is missing, as such."""
    ours = {"1|ann@example.com||creator|t|0", "2|bob@example.com||starter|f|0"}
    theirs = {"1|ann@example.com||creator|t|5", "3|cid@example.com||starter|f|0"}

    found = differences.differences("users", ours, theirs)

    assert (
        "users.credits of 1 is 0; users of 2 is a row; users of 3 is no row",
        "users.credits of 1 is 5; users of 2 is no row; users of 3 is a row",
    ) == differences.told(found)


def test_long_differences_are_cut() -> None:
    """Of many differences a few are shown, and how many more there are."""
    ours = {f"{number}|||creator|t|0" for number in range(9)}

    expected, observed = differences.told(differences.differences("users", ours, set()))

    assert expected.endswith("; and 5 more")
    assert 4 == observed.count(";")


def test_what_a_rule_sets_is_that_rules() -> None:
    """A project that did not follow its job is the rule's that moves it, whatever else differs."""
    found = differences.differences("projects", {"1|2|3|a|draft"}, {"1|2|3|a|rendering"})

    assert "AUTO-PROJECT" == differences.rule_of(found)
    assert not differences.rule_of(differences.differences("users", {"1|a"}, {"1|b"}))


def test_a_difference_in_a_run_is_told_by_its_rule(sandbox: Sandbox) -> None:
    """A project that has another status than in the model is AUTO-PROJECT's, by one value."""
    run = MachineRun(sandbox, Log())
    run.do(users.SIGN_UP_AS_CREATOR, {"email": "ann@example.com", "team": True})
    run.do(projects.MAKE, {"by": (1, 2), "status": "draft"})
    (project,) = run.state.projects
    sandbox.session.connection.execute("SET session_replication_role = replica")
    sandbox.session.connection.execute("UPDATE public.projects SET status = 'completed'")
    sandbox.session.connection.execute("SET session_replication_role = origin")

    with pytest.raises(Finding) as caught:
        run.do(projects.EDIT, {"project": project})

    assert ("AUTO-PROJECT", Verdict.BROKEN) == (caught.value.rule, caught.value.verdict)
    assert caught.value.observed.startswith("projects.status of ")
    assert caught.value.observed.endswith(" is completed")


def test_equal_numbers_are_no_difference(scratch: Scratch, template: Template) -> None:
    """A schema may have decimals for whole numbers, and names that are padded."""
    with scratch.cloned(template, "decimals") as database:
        with database.connect() as connection:
            for table, column, kind in (
                ("users", "credits", "numeric(12, 2)"),
                ("teams", "credits", "numeric(12, 2)"),
                ("teams", "name", "character(100)"),
            ):
                connection.execute(
                    f"ALTER TABLE public.{table} ALTER {column} TYPE {kind}".encode()
                )
        with Sandbox(database.conninfo) as sandbox:
            run = MachineRun(sandbox, Log())
            run.do(users.SIGN_UP_AS_CREATOR, {"email": "ann@example.com", "team": True})
            run.do(credit.GRANT, {"payer": ("teams", next(iter(run.state.teams))), "amount": 10})

            (shown,) = run.sandbox.session.fetch_all("SELECT credits::text FROM public.teams")
            assert ("10.00",) == shown


def test_an_end_without_an_order_shows_what_differs(harness: Harness) -> None:
    """The nearest serial order is compared with the end, and a rule of the race is named."""
    race = KNOWN_RACES[LEAVE].race()
    trace = harness.run(race, following((0, 0, 1, 1)))
    end = view.rows(race.start.state, "memberships")

    named = fault(race, trace, {"memberships": end}, ("INV-T2",))
    unnamed = fault(race, trace, {"memberships": end})

    assert ("INV-T2", serializability.SERIAL) == (named.rule, unnamed.rule)
    assert 1 == named.observed.count("memberships of ")
    assert named.observed.endswith("is a row")


def test_what_each_order_breaks_is_named(harness: Harness) -> None:
    """Transactions that may not both commit, and did, break the rule that forbids it."""
    race = KNOWN_RACES[CAP].race()
    trace = harness.run(race, following((0, 1, 0, 1)))
    trace.committed[:] = [0, 1]
    trace.outcomes = {0: Accepted(), 1: Accepted()}

    found = fault(race, trace, {"jobs": set()})

    assert ("CARD-5", Verdict.BROKEN) == (found.rule, found.verdict)
    assert "'one' and 'another' committed" == found.observed


def test_a_refusal_under_another_name_is_the_rules_that_it_lacks(harness: Harness) -> None:
    """A write that is illegal in every order, and refused under no name, is unnamed."""
    race = KNOWN_RACES[CAP].race()
    trace = harness.run(race, following((0, 1, 0, 1)))
    trace.outcomes[1] = Rejected("23514", constraint="jobs_cap")

    found = fault(race, trace, {}, ("CARD-5",))

    assert ("CARD-5", Verdict.UNNAMED) == (found.rule, found.verdict)


def test_a_run_blames_no_rule_that_is_not_broken(sandbox: Sandbox) -> None:
    """An illegal write that is refused by another rule leaves its own rule unnamed."""
    run = MachineRun(sandbox, Log())
    foreign = frozenset({"INV-T2", "KEY teams"})
    refused = Rejected("23514", constraint="card_5__jobs_team_has_at_most_5_active")

    with pytest.raises(Finding) as caught:
        run.judge(refused, foreign, foreign, frozenset())

    assert ("INV-T2", Verdict.UNNAMED) == (caught.value.rule, caught.value.verdict)
