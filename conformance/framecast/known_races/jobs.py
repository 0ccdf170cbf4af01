"""Races about jobs, their projects and their events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.writes import Sql, Update
from conformance.framecast.known_races.definition import (
    FIRST,
    RaceSetup,
    RaceStep,
    does,
    known_race,
)
from conformance.framecast.model.entities import uuid
from conformance.framecast.operations import (
    Act,
    Operation,
    credit,
    events,
    jobs,
    memberships,
    projects,
    teams,
    users,
)

if TYPE_CHECKING:
    from conformance.framecast.model import State


def _refund_more(state: State, job: int, amount: int) -> Act:
    before = state.jobs[job]
    more = Sql(f"credits_refunded + {amount}")
    return Act(
        (Update("jobs", {"id": uuid(job)}, {"credits_refunded": more}),),
        state.put(replace(before, refunded=before.refunded + amount)),
    )


# Relative, unlike the product's own: it means the same whatever was refunded meanwhile.
REFUND_MORE = Operation("refund more", {}, _refund_more)


@known_race("CARD-5", invariant="a team has at most 5 active jobs")
def two_made_in_a_new_team(setup: RaceSetup) -> None:
    """Two sessions make three jobs each, for a team that has had none."""
    by = _team(setup)
    setup.session("one device", *[_makes(by)] * 3)
    setup.session("another", *[_makes(by)] * 3)


@known_race("INV-J12", invariant="a project has at most one active job")
def rendered_twice(setup: RaceSetup) -> None:
    """A project is rendered by two at once."""
    by, project = _project(setup)
    setup.session("one device", _makes(by, project=project))
    setup.session("another", _makes(by, project=project))


@known_race(
    "INV-P5", "STATE-PROJECT", "INV-J12", "AUTO-PROJECT", invariant="a project follows its jobs"
)
def rendered_while_its_job_ends(setup: RaceSetup) -> None:
    """A project is rendered again while its job completes."""
    by, project = _project(setup)
    job = setup.given.job(by, project=project)
    setup.given.do(jobs.START, job=job)
    setup.session("worker", does(jobs.COMPLETE, job=job, lacking="nothing"))
    setup.session("ann", _makes(by, project=project))


@known_race("STATE-PROJECT", "INV-P5", invariant="a project with an active job is rendering")
def rendered_while_archived(setup: RaceSetup) -> None:
    """A project is rendered while it is archived."""
    by, project = _project(setup)
    setup.session("ann", _makes(by, project=project))
    setup.session("bob", does(projects.ARCHIVE, project=project))


@known_race("DEL-1", "INV-J11", invariant="a project with an active job is not deleted")
def rendered_while_deleted(setup: RaceSetup) -> None:
    """A project is rendered while it is deleted."""
    by, project = _project(setup)
    setup.session("ann", _makes(by, project=project))
    setup.session("bob", does(projects.DELETE, project=project))


@known_race("DEL-1", "INV-X1", invariant="a team with active jobs is not deleted")
def made_while_the_team_goes(setup: RaceSetup) -> None:
    """A team makes a job while it is deleted."""
    by = _team(setup)
    setup.session("ann", _makes(by))
    setup.session("support", does(teams.DELETE, team=by[1]))


@known_race("LOCK ORDER", "DEL-1", invariant="whoever waits for the same waits in the same order")
def rendered_while_the_team_goes(setup: RaceSetup) -> None:
    """A project is rendered while its team is deleted, which waits for another of its projects."""
    by, first = _project(setup)
    second = setup.given.do(projects.MAKE, by=by[:2], status="draft")
    setup.session("bob", does(projects.ARCHIVE, project=first))
    setup.session("support", does(teams.DELETE, team=by[1]))
    setup.session("ann", _makes(by, project=second))


@known_race("INV-X1", "ROLE-2", invariant="whoever makes a job of a team is in it")
def made_while_leaving(setup: RaceSetup) -> None:
    """A member makes a job while leaving the team."""
    bob, team, seat = _member(setup)
    setup.session("bob", _makes((bob, team, None)))
    setup.session("ann", does(memberships.LEAVE, membership=seat))


@known_race("ROLE-2", invariant="a viewer makes no job")
def made_while_demoted(setup: RaceSetup) -> None:
    """A member makes a job while being made a viewer."""
    bob, team, seat = _member(setup)
    setup.session("bob", _makes((bob, team, None)))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@known_race("ROLE-2", "INV-P2", invariant="a project is made by a member of a team that exists")
def project_made_while_demoted(setup: RaceSetup) -> None:
    """A member makes a project while being made a viewer."""
    bob, team, seat = _member(setup)
    setup.session("bob", does(projects.MAKE, by=(bob, team), status="draft"))
    setup.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@known_race("INV-P2", invariant="a project's team exists")
def project_made_while_the_team_goes(setup: RaceSetup) -> None:
    """A project is made in a team that is being deleted."""
    ann, team, _ = _team(setup)
    setup.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    setup.session("support", does(teams.DELETE, team=team))


@known_race("INV-P3", invariant="a project's creator exists")
def project_made_while_deleted(setup: RaceSetup) -> None:
    """A member makes a project while the account is being deleted."""
    bob, team, _ = _member(setup)
    setup.session("bob", does(projects.MAKE, by=(bob, team), status="draft"))
    setup.session("support", does(users.DELETE, user=bob))


@known_race("INV-J13", invariant="whoever triggered a job exists")
def made_while_deleted(setup: RaceSetup) -> None:
    """A starter makes a job while the account is being deleted."""
    eve = setup.given.do(users.SIGN_UP, email="eve@example.com")
    setup.session("eve", _makes((eve, None, eve)))
    setup.session("support", does(users.DELETE, user=eve))


@known_race("idempotency key", invariant="one key makes one job")
def made_twice_with_one_key(setup: RaceSetup) -> None:
    """A client that has heard nothing makes its job again, with the same idempotency key."""
    by = _team(setup)
    setup.session("first try", _makes(by, key="once"))
    setup.session("second try", _makes(by, key="once"))


@known_race("STATE-JOB", invariant="a job ends once")
def completed_while_canceled(setup: RaceSetup) -> None:
    """A job completes while it is canceled."""
    by, project = _project(setup)
    job = setup.given.job(by, project=project)
    setup.given.do(jobs.START, job=job)
    setup.session("worker", does(jobs.COMPLETE, job=job, lacking="nothing"))
    setup.session("ann", does(jobs.CANCEL, job=job, lacking="nothing"))


@known_race("STATE-JOB", "DEL-1", invariant="an active job is not deleted")
def started_while_canceled(setup: RaceSetup) -> None:
    """A worker takes a job while it is canceled and deleted."""
    job = setup.given.job(_team(setup))
    setup.session("worker", does(jobs.START, job=job))
    setup.session("ann", does(jobs.CANCEL, job=job, lacking="nothing"), does(jobs.DELETE, job=job))


@known_race("INV-J8", invariant="a job is never refunded more than it was charged")
def refunded_twice(setup: RaceSetup) -> None:
    """A failed job is refunded by two at once."""
    by = _team(setup)
    setup.given.do(credit.GRANT, payer=("teams", by[1]), amount=10)
    job = setup.given.job(by, charge=4)
    setup.given.do(jobs.START, job=job)
    setup.given.do(jobs.FAIL, job=job, lacking="nothing", failure="system")
    for who in ("worker", "support"):
        setup.session(
            who,
            does(REFUND_MORE, job=job, amount=3),
            does(credit.GRANT, payer=("teams", by[1]), amount=3),
        )


@known_race("INV-T6", invariant="a team's credits are never negative")
def spent_twice(setup: RaceSetup) -> None:
    """Two jobs are charged to a team that has credits for one."""
    by = _team(setup)
    setup.given.do(credit.GRANT, payer=("teams", by[1]), amount=5)
    for who in ("one device", "another"):
        setup.session(who, _makes(by, charge=4))


@known_race("INV-U5", invariant="a user's credits are never negative")
def spent_twice_by_a_user(setup: RaceSetup) -> None:
    """A creator with credits for one job makes two."""
    ann, _, _ = _team(setup)
    setup.given.do(credit.GRANT, payer=("users", ann), amount=5)
    for who in ("one device", "another"):
        setup.session(who, _makes((ann, None, ann), charge=4))


@known_race(
    "SEQ-1", "AUTO-NUMBER", invariant="events are numbered in the order in which they commit"
)
def two_appended(setup: RaceSetup) -> None:
    """Two sessions append to one job, two events each."""
    job = setup.given.job(_team(setup))
    setup.given.do(events.APPEND, job=job, number=0)
    for who in ("worker", "api"):
        setup.session(who, *[does(events.APPEND, job=job, number=0)] * 2)


@known_race("SEQ-2", "SEQ-1", invariant="a client that resumes misses no event")
def followed_while_appended(setup: RaceSetup) -> None:
    """A client follows a job while two sessions append to it."""
    job = setup.given.job(_team(setup))
    for who in ("worker", "api"):
        setup.session(who, does(events.APPEND, job=job, number=0))
    setup.reader("client", job, looks=2)


@known_race("SEQ-1", "SEQ-2", invariant="no number is used twice")
def appended_while_cleaned_up(setup: RaceSetup) -> None:
    """The last event of a job is deleted while another is appended."""
    job = setup.given.job(_team(setup))
    last = setup.given.do(events.APPEND, job=job, number=0)
    setup.session("worker", does(events.APPEND, job=job, number=0))
    setup.session("retention", does(events.REMOVE, event=last))
    setup.reader("client", job, looks=1)


@known_race(
    "SEQ-1", "AUTO-NUMBER", invariant="no number is used twice, even after its event has gone"
)
def appended_while_the_first_is_taken_back(setup: RaceSetup) -> None:
    """The first event of a job is appended and deleted, while another is appended."""
    job = setup.given.job(_team(setup))
    setup.session(
        "worker", does(events.APPEND, job=job, number=0), does(events.REMOVE, event=FIRST)
    )
    setup.session("api", does(events.APPEND, job=job, number=0))


@known_race(
    "SEQ-1", "SEQ-2", "AUTO-NUMBER", invariant="no number is used twice, whoever sees the job"
)
def appended_while_the_job_is_made(setup: RaceSetup) -> None:
    """A job is made, its first event appended and deleted, while another is appended."""
    by = _team(setup)
    setup.session(
        "worker",
        _makes(by),
        does(events.APPEND, job=FIRST, number=0),
        does(events.APPEND, job=FIRST, number=0),
        does(events.REMOVE, event=FIRST + 1),
    )
    setup.session("api", does(events.APPEND, job=FIRST, number=0), knows=("worker",))


@known_race("SEQ-1", invariant="an event's job exists")
def appended_while_the_job_goes(setup: RaceSetup) -> None:
    """An event is appended to a finished job that is being deleted."""
    job = setup.given.job(_team(setup))
    setup.given.do(jobs.CANCEL, job=job, lacking="nothing")
    setup.session("worker", does(events.APPEND, job=job, number=0))
    setup.session("retention", does(jobs.DELETE, job=job))


def _makes(
    by: tuple[int, int | None, int | None],
    project: int | None = None,
    charge: int = 0,
    key: str | None = None,
) -> RaceStep:
    return does(jobs.MAKE, by=by, project=project, charge=charge, key=key, status="queued")


def _team(setup: RaceSetup) -> tuple[int, int, None]:
    """Make a team whose owner is in another one too; return who acts for the team."""
    ann, team = setup.given.creator()
    _, other = setup.given.creator("cid@example.com")
    setup.given.do(memberships.JOIN, by=(ann, other), role="member")
    return ann, team, None


def _project(setup: RaceSetup) -> tuple[tuple[int, int, None], int]:
    by = _team(setup)
    return by, setup.given.do(projects.MAKE, by=by[:2], status="draft")


def _member(setup: RaceSetup) -> tuple[int, int, int]:
    """Make a member of a team and of another one; return user, team and seat."""
    _, team, _ = _team(setup)
    bob = setup.given.do(users.SIGN_UP, email="bob@example.com")
    setup.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    other = next(reversed(setup.given.state.teams))
    setup.given.do(memberships.JOIN, by=(bob, other), role="member")
    return bob, team, setup.given.do(memberships.JOIN, by=(bob, team), role="member")


KNOWN_RACES = (
    two_made_in_a_new_team,
    rendered_twice,
    rendered_while_its_job_ends,
    rendered_while_archived,
    rendered_while_deleted,
    made_while_the_team_goes,
    rendered_while_the_team_goes,
    made_while_leaving,
    made_while_demoted,
    project_made_while_demoted,
    project_made_while_the_team_goes,
    project_made_while_deleted,
    made_while_deleted,
    made_twice_with_one_key,
    completed_while_canceled,
    started_while_canceled,
    refunded_twice,
    spent_twice,
    spent_twice_by_a_user,
    two_appended,
    followed_while_appended,
    appended_while_cleaned_up,
    appended_while_the_first_is_taken_back,
    appended_while_the_job_is_made,
    appended_while_the_job_goes,
)
