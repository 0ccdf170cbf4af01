"""Coverage runs: every pair of every state machine, and every count around a cap, tried on purpose.

Walks see most of them, and see them in strange company; a coverage run makes sure that none depends
on luck. It is a run like any other: the same judges, and the same operations, save where another
rule than the state machine's would be the first to refuse.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from conformance.engine.cases.gaps import Gaps
from conformance.framecast.machines import turns
from conformance.framecast.model.moves import MOVES
from conformance.framecast.operations import (
    assets,
    clock,
    deliveries,
    jobs,
    memberships,
    projects,
    teams,
    users,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.framecast.machines.run import MachineRun
    from conformance.framecast.operations import Operation


GUEST = "guest@example.com"


class CoverageRun:
    """A run with a team, and with one row that is brought from state to state."""

    def __init__(self, run: MachineRun) -> None:
        """Sign up an owner with a team.

        Raises:
            LookupError: The schema cannot take that, as the run has noted.
        """
        self.run = run
        self.user = self.do(users.SIGN_UP_AS_CREATOR, email="ann@example.com", team=True) - 2
        self.team = self.user + 1
        self.row = 0
        if self.team not in run.state.teams:
            raise LookupError(self.team)

    def do(self, operation: Operation, **arguments: Any) -> int:
        """Do one thing; return the last id that was given."""
        self.run.do(operation, arguments)
        return self.run.state.serial

    @property
    def place(self) -> tuple[int, int]:
        """The owner and the team."""
        return self.user, self.team

    @property
    def actor(self) -> tuple[int, int | None, int | None]:
        """The owner, acting for the team."""
        return self.user, self.team, None


def _user(coverage_run: CoverageRun, before: str | None, after: str) -> None:
    if before is None and after == "starter":
        coverage_run.do(users.SIGN_UP, email=GUEST)
    elif before is None:
        coverage_run.do(users.SIGN_UP_AS_CREATOR, email=GUEST, team=True)
    elif after == "creator":
        coverage_run.row = coverage_run.do(users.SIGN_UP, email=GUEST)
        coverage_run.do(users.UPGRADE, user=coverage_run.row, stamp=True, team=True)
    else:
        coverage_run.do(users.DOWNGRADE, user=coverage_run.user)


def _invitation(coverage_run: CoverageRun, before: str | None, after: str) -> None:
    def move(status: str, was: str | None) -> None:
        if was is None and status == "expired":
            coverage_run.do(turns.FIND, by=coverage_run.place, email=GUEST)
        elif {was, status} == {"accepted", "revoked"}:
            coverage_run.do(turns.TURN, invitation=coverage_run.row, answer=status)
        elif was is None:
            coverage_run.row = coverage_run.do(
                memberships.INVITE,
                by=coverage_run.place,
                email=GUEST,
                role="member",
                answered=status,
            )
        elif status == "expired":
            coverage_run.do(clock.PASS, days=memberships.LASTS)
        elif status == "accepted":
            coverage_run.do(memberships.ACCEPT, invitation=coverage_run.row, guest="nobody joins")
        elif status == "revoked":
            coverage_run.do(memberships.REVOKE, invitation=coverage_run.row)
        else:
            operation = memberships.EXTEND if was == "expired" else memberships.REOPEN
            coverage_run.do(operation, invitation=coverage_run.row)

    if before is not None:
        move("open", None)
        if before != "open":
            move(before, "open")
    move(after, before)


def _project(coverage_run: CoverageRun, before: str | None, after: str) -> None:
    def active() -> int:
        return [job.id for job in coverage_run.run.state.jobs.values() if job.active][
            -1
        ]  # the newest

    def move(status: str, was: str | None) -> None:
        if was is None:
            coverage_run.row = coverage_run.do(projects.MAKE, by=coverage_run.place, status=status)
        elif status == "rendering" and was != "archived":
            coverage_run.do(jobs.RENDER, project=coverage_run.row, charge=0)
        elif (was, status) == ("rendering", "completed"):
            coverage_run.do(jobs.SAY, job=active(), status="processing")
            coverage_run.do(jobs.SAY, job=active(), status="completed")
        elif (was, status) == ("rendering", "draft"):
            coverage_run.do(jobs.SAY, job=active(), status="canceled")
        else:
            coverage_run.do(projects.SAY, project=coverage_run.row, status=status)

    if before is not None:
        move("draft", None)
        if before == "completed":
            move("rendering", "draft")
            move("completed", "rendering")
        elif before != "draft":
            move(before, "draft")
    move(after, before)


def _job(coverage_run: CoverageRun, before: str | None, after: str) -> None:
    if before is None:
        _make_job(coverage_run, after)
        return
    _make_job(coverage_run, "queued")
    if before not in ("queued", "canceled"):
        coverage_run.do(jobs.SAY, job=coverage_run.row, status="processing")
    if before not in ("queued", "processing"):
        coverage_run.do(jobs.SAY, job=coverage_run.row, status=before)
    if after == "completed" and before in ("failed", "canceled"):
        coverage_run.do(turns.MEND, job=coverage_run.row)
    else:
        coverage_run.do(jobs.SAY, job=coverage_run.row, status=after)


def _make_job(coverage_run: CoverageRun, status: str) -> None:
    coverage_run.row = coverage_run.do(
        jobs.MAKE, by=coverage_run.actor, project=None, charge=0, key=None, status=status
    )


def _asset(coverage_run: CoverageRun, before: str | None, after: str) -> None:
    made = after if before is None else "pending"
    plain = {"project": None, "amiss": "nothing"}
    coverage_run.row = coverage_run.do(assets.ANNOUNCE, by=coverage_run.actor, status=made, **plain)
    if before not in (None, "pending"):
        coverage_run.do(assets.SAY, asset=coverage_run.row, status=before)
    if before is not None:
        coverage_run.do(assets.SAY, asset=coverage_run.row, status=after)


def _delivery(coverage_run: CoverageRun, before: str | None, after: str) -> None:
    hook = coverage_run.do(deliveries.MAKE, by=coverage_run.place, url="https", events="one")
    made = after if before is None else "pending"
    coverage_run.row = coverage_run.do(deliveries.QUEUE, webhook=hook, job=None, status=made)
    if before not in (None, "pending"):
        coverage_run.do(deliveries.TRY, delivery=coverage_run.row, status=before, lacking="nothing")
    if (before, after) == ("failed", "pending"):
        coverage_run.do(deliveries.ASK_AGAIN, delivery=coverage_run.row, attempts=0)
    elif before is not None:
        coverage_run.do(deliveries.TRY, delivery=coverage_run.row, status=after, lacking="nothing")


PAIRS: dict[str, Callable[[CoverageRun, str | None, str], None]] = {
    "user": _user,
    "invitation": _invitation,
    "project": _project,
    "job": _job,
    "asset": _asset,
    "delivery": _delivery,
}


def every_pair(machine: str, new_run: Callable[[], MachineRun]) -> None:
    """Try every pair of a state machine, each in a run of its own.

    Raises:
        Finding: As a run does; or what could not be tried, where nothing worse was found.
    """
    gaps = Gaps()
    for before, after in MOVES[machine].pairs():
        _coverage_run(new_run(), gaps, partial(_pair, machine, before, after))
    gaps.settle()


def every_count(rule: str, run: MachineRun) -> None:
    """Try every count around a cap; raises as `every_pair`."""
    gaps = Gaps()
    _coverage_run(run, gaps, COUNTS[rule])
    gaps.settle()


def _pair(machine: str, before: str | None, after: str, run: MachineRun) -> None:
    PAIRS[machine](CoverageRun(run), before, after)


def _coverage_run(run: MachineRun, gaps: Gaps, lead: Callable[[MachineRun], None]) -> None:
    """Make a run that goes on without what the schema cannot take."""
    run.log.gaps = gaps
    try:
        lead(run)
    except (LookupError, StopIteration):
        if not gaps.reasons:
            raise  # else it speaks of what could not be made
    finally:
        run.log.gaps = None


def _owned(run: MachineRun) -> None:
    run.begin("nine owned teams")
    for _ in range(2):
        run.do(teams.FOUND, {"user": 1, "slug": "given", "owned": True})


def _member(run: MachineRun) -> None:
    run.begin("forty nine memberships")
    user = next(reversed(run.state.users))
    placed = {each.team for each in run.state.teams_of(user)}
    for team in [each for each in run.state.teams if each not in placed][:2]:
        run.do(memberships.JOIN, {"by": (user, team), "role": "member"})


def _invitations(run: MachineRun) -> None:
    run.begin("forty nine invitations")
    for email in ("one@example.com", "two@example.com"):
        plain = {"by": (1, 2), "role": "member", "answered": "open"}
        run.do(memberships.INVITE, {**plain, "email": email})


def _active(run: MachineRun) -> None:
    run.begin("four active jobs")
    _two_jobs(run, (1, 2, None))


def _busy(run: MachineRun) -> None:
    run.do(users.SIGN_UP, {"email": GUEST})
    _two_jobs(run, (1, None, 1))


def _two_jobs(run: MachineRun, by: tuple[int, int | None, int | None]) -> None:
    plain = {"by": by, "project": None, "charge": 0, "key": None, "status": "queued"}
    for _ in range(2):
        run.do(jobs.MAKE, plain)


# From one below a cap to one above it.
COUNTS: dict[str, Callable[[MachineRun], None]] = {
    "CARD-2": _owned,
    "CARD-3": _member,
    "CARD-4": _invitations,
    "CARD-5": _active,
    "CARD-6": _busy,
}
