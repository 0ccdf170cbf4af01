"""Races about jobs, their projects and their events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.framecast.known_races.scene import FIRST, Deed, Scene, classic, does
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
from conformance.sql.writes import Sql, Update

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


@classic("CARD-5", law="a team has at most 5 active jobs")
def two_made_at_four(scene: Scene) -> None:
    """A team with four active jobs makes two more at once."""
    by = _team(scene)
    for _ in range(4):
        scene.given.job(by)
    scene.session("one device", _makes(by))
    scene.session("another", _makes(by))


@classic("CARD-5", law="a team has at most 5 active jobs")
def two_made_at_four_by_two(scene: Scene) -> None:
    """Two members of a team with four active jobs make one each, in both forms of its URN."""
    _, team, _ = by = _team(scene)
    bob, _ = scene.given.creator("bob@example.com")
    scene.given.do(memberships.JOIN, by=(bob, team), role="member")
    for _ in range(4):
        scene.given.job(by)
    scene.session("ann", _makes(by))
    scene.session("bob", _makes((bob, team, bob)))


@classic("CARD-5", law="a team has at most 5 active jobs")
def two_made_in_a_new_team(scene: Scene) -> None:
    """Two sessions make three jobs each, for a team that has had none."""
    by = _team(scene)
    scene.session("one device", *[_makes(by)] * 3)
    scene.session("another", *[_makes(by)] * 3)


@classic("CARD-6", law="a starter has at most 1 active job")
def two_made_by_a_starter(scene: Scene) -> None:
    """A starter makes two jobs at once."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    scene.session("one device", _makes((eve, None, eve)))
    scene.session("another", _makes((eve, None, eve)))


@classic("INV-J12", law="a project has at most one active job")
def rendered_twice(scene: Scene) -> None:
    """A project is rendered by two at once."""
    by, project = _project(scene)
    scene.session("one device", _makes(by, project=project))
    scene.session("another", _makes(by, project=project))


@classic("INV-P5", "STATE-PROJECT", "INV-J12", "AUTO-PROJECT", law="a project follows its jobs")
def rendered_while_its_job_ends(scene: Scene) -> None:
    """A project is rendered again while its job completes."""
    by, project = _project(scene)
    job = scene.given.job(by, project=project)
    scene.given.do(jobs.START, job=job)
    scene.session("worker", does(jobs.COMPLETE, job=job, lacking="nothing"))
    scene.session("ann", _makes(by, project=project))


@classic("STATE-PROJECT", "INV-P5", law="a project with an active job is rendering")
def rendered_while_archived(scene: Scene) -> None:
    """A project is rendered while it is archived."""
    by, project = _project(scene)
    scene.session("ann", _makes(by, project=project))
    scene.session("bob", does(projects.ARCHIVE, project=project))


@classic("DEL-1", "INV-J11", law="a project with an active job is not deleted")
def rendered_while_deleted(scene: Scene) -> None:
    """A project is rendered while it is deleted."""
    by, project = _project(scene)
    scene.session("ann", _makes(by, project=project))
    scene.session("bob", does(projects.DELETE, project=project))


@classic("DEL-1", "INV-X1", law="a team with active jobs is not deleted")
def made_while_the_team_goes(scene: Scene) -> None:
    """A team makes a job while it is deleted."""
    by = _team(scene)
    scene.session("ann", _makes(by))
    scene.session("support", does(teams.DELETE, team=by[1]))


@classic("LOCK ORDER", "DEL-1", law="whoever waits for the same waits in the same order")
def rendered_while_the_team_goes(scene: Scene) -> None:
    """A project is rendered while its team is deleted, which waits for another of its projects."""
    by, first = _project(scene)
    second = scene.given.do(projects.MAKE, by=by[:2], status="draft")
    scene.session("bob", does(projects.ARCHIVE, project=first))
    scene.session("support", does(teams.DELETE, team=by[1]))
    scene.session("ann", _makes(by, project=second))


@classic("INV-X1", "ROLE-2", law="whoever makes a job of a team is in it")
def made_while_leaving(scene: Scene) -> None:
    """A member makes a job while leaving the team."""
    bob, team, seat = _member(scene)
    scene.session("bob", _makes((bob, team, None)))
    scene.session("ann", does(memberships.LEAVE, membership=seat))


@classic("ROLE-2", law="a viewer makes no job")
def made_while_demoted(scene: Scene) -> None:
    """A member makes a job while being made a viewer."""
    bob, team, seat = _member(scene)
    scene.session("bob", _makes((bob, team, None)))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@classic("ROLE-2", "INV-P2", law="a project is made by a member of a team that exists")
def project_made_while_demoted(scene: Scene) -> None:
    """A member makes a project while being made a viewer."""
    bob, team, seat = _member(scene)
    scene.session("bob", does(projects.MAKE, by=(bob, team), status="draft"))
    scene.session("ann", does(memberships.CHANGE_ROLE, membership=seat, role="viewer"))


@classic("INV-P2", law="a project's team exists")
def project_made_while_the_team_goes(scene: Scene) -> None:
    """A project is made in a team that is being deleted."""
    ann, team, _ = _team(scene)
    scene.session("ann", does(projects.MAKE, by=(ann, team), status="draft"))
    scene.session("support", does(teams.DELETE, team=team))


@classic("INV-P3", law="a project's creator exists")
def project_made_while_deleted(scene: Scene) -> None:
    """A member makes a project while the account is being deleted."""
    bob, team, _ = _member(scene)
    scene.session("bob", does(projects.MAKE, by=(bob, team), status="draft"))
    scene.session("support", does(users.DELETE, user=bob))


@classic("INV-J13", law="whoever triggered a job exists")
def made_while_deleted(scene: Scene) -> None:
    """A starter makes a job while the account is being deleted."""
    eve = scene.given.do(users.SIGN_UP, email="eve@example.com")
    scene.session("eve", _makes((eve, None, eve)))
    scene.session("support", does(users.DELETE, user=eve))


@classic("idempotency key", law="one key makes one job")
def made_twice_with_one_key(scene: Scene) -> None:
    """A client that has heard nothing makes its job again, with the same idempotency key."""
    by = _team(scene)
    scene.session("first try", _makes(by, key="once"))
    scene.session("second try", _makes(by, key="once"))


@classic("STATE-JOB", law="a job ends once")
def completed_while_canceled(scene: Scene) -> None:
    """A job completes while it is canceled."""
    by, project = _project(scene)
    job = scene.given.job(by, project=project)
    scene.given.do(jobs.START, job=job)
    scene.session("worker", does(jobs.COMPLETE, job=job, lacking="nothing"))
    scene.session("ann", does(jobs.CANCEL, job=job, lacking="nothing"))


@classic("STATE-JOB", "DEL-1", law="an active job is not deleted")
def started_while_canceled(scene: Scene) -> None:
    """A worker takes a job while it is canceled and deleted."""
    job = scene.given.job(_team(scene))
    scene.session("worker", does(jobs.START, job=job))
    scene.session("ann", does(jobs.CANCEL, job=job, lacking="nothing"), does(jobs.DELETE, job=job))


@classic("INV-J8", law="a job is never refunded more than it was charged")
def refunded_twice(scene: Scene) -> None:
    """A failed job is refunded by two at once."""
    by = _team(scene)
    scene.given.do(credit.GRANT, payer=("teams", by[1]), amount=10)
    job = scene.given.job(by, charge=4)
    scene.given.do(jobs.START, job=job)
    scene.given.do(jobs.FAIL, job=job, lacking="nothing", failure="system")
    for who in ("worker", "support"):
        scene.session(
            who,
            does(REFUND_MORE, job=job, amount=3),
            does(credit.GRANT, payer=("teams", by[1]), amount=3),
        )


@classic("INV-T6", law="a team's credits are never negative")
def spent_twice(scene: Scene) -> None:
    """Two jobs are charged to a team that has credits for one."""
    by = _team(scene)
    scene.given.do(credit.GRANT, payer=("teams", by[1]), amount=5)
    for who in ("one device", "another"):
        scene.session(who, _makes(by, charge=4))


@classic("INV-U5", law="a user's credits are never negative")
def spent_twice_by_a_user(scene: Scene) -> None:
    """A creator with credits for one job makes two."""
    ann, _, _ = _team(scene)
    scene.given.do(credit.GRANT, payer=("users", ann), amount=5)
    for who in ("one device", "another"):
        scene.session(who, _makes((ann, None, ann), charge=4))


@classic("SEQ-1", "AUTO-NUMBER", law="events are numbered in the order in which they commit")
def two_appended(scene: Scene) -> None:
    """Two sessions append to one job, two events each."""
    job = scene.given.job(_team(scene))
    scene.given.do(events.APPEND, job=job, number=0)
    for who in ("worker", "api"):
        scene.session(who, *[does(events.APPEND, job=job, number=0)] * 2)


@classic("SEQ-2", "SEQ-1", law="a client that resumes misses no event")
def followed_while_appended(scene: Scene) -> None:
    """A client follows a job while two sessions append to it."""
    job = scene.given.job(_team(scene))
    for who in ("worker", "api"):
        scene.session(who, does(events.APPEND, job=job, number=0))
    scene.reader("client", job, looks=2)


@classic("SEQ-1", "SEQ-2", law="no number is used twice")
def appended_while_cleaned_up(scene: Scene) -> None:
    """The last event of a job is deleted while another is appended."""
    job = scene.given.job(_team(scene))
    last = scene.given.do(events.APPEND, job=job, number=0)
    scene.session("worker", does(events.APPEND, job=job, number=0))
    scene.session("retention", does(events.REMOVE, event=last))
    scene.reader("client", job, looks=1)


@classic("SEQ-1", "AUTO-NUMBER", law="no number is used twice, even after its event has gone")
def appended_while_the_first_is_taken_back(scene: Scene) -> None:
    """The first event of a job is appended and deleted, while another is appended."""
    job = scene.given.job(_team(scene))
    scene.session(
        "worker", does(events.APPEND, job=job, number=0), does(events.REMOVE, event=FIRST)
    )
    scene.session("api", does(events.APPEND, job=job, number=0))


@classic("SEQ-1", law="an event's job exists")
def appended_while_the_job_goes(scene: Scene) -> None:
    """An event is appended to a finished job that is being deleted."""
    job = scene.given.job(_team(scene))
    scene.given.do(jobs.CANCEL, job=job, lacking="nothing")
    scene.session("worker", does(events.APPEND, job=job, number=0))
    scene.session("retention", does(jobs.DELETE, job=job))


def _makes(
    by: tuple[int, int | None, int | None],
    project: int | None = None,
    charge: int = 0,
    key: str | None = None,
) -> Deed:
    return does(jobs.MAKE, by=by, project=project, charge=charge, key=key, status="queued")


def _team(scene: Scene) -> tuple[int, int, None]:
    """Make a team whose owner is in another one too; return who acts for the team."""
    ann, team = scene.given.creator()
    _, other = scene.given.creator("cid@example.com")
    scene.given.do(memberships.JOIN, by=(ann, other), role="member")
    return ann, team, None


def _project(scene: Scene) -> tuple[tuple[int, int, None], int]:
    by = _team(scene)
    return by, scene.given.do(projects.MAKE, by=by[:2], status="draft")


def _member(scene: Scene) -> tuple[int, int, int]:
    """Make a member of a team and of another one; return user, team and seat."""
    _, team, _ = _team(scene)
    bob = scene.given.do(users.SIGN_UP, email="bob@example.com")
    scene.given.do(users.UPGRADE, user=bob, stamp=True, team=False)
    other = next(reversed(scene.given.state.teams))
    scene.given.do(memberships.JOIN, by=(bob, other), role="member")
    return bob, team, scene.given.do(memberships.JOIN, by=(bob, team), role="member")


CLASSICS = (
    two_made_at_four,
    two_made_at_four_by_two,
    two_made_in_a_new_team,
    two_made_by_a_starter,
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
    appended_while_the_job_goes,
)
