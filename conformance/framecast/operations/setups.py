"""Where runs begin: states near an edge, which no walk of a few steps would reach.

A setup is one step like others, but of many operations. Their inserts are put together, so that
fifty rows cost one statement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.engine.sql.writes import Insert, Row, Write
from conformance.framecast.operations import (
    assets,
    credit,
    deliveries,
    events,
    jobs,
    keys,
    memberships,
    projects,
    teams,
    users,
)
from conformance.framecast.operations.operation import Act, Operation, Step, of_act

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.model import State


# What a write needs and a schema lacks: a table and a column, or two empty texts.
Lack: TypeAlias = Callable[[Write], tuple[str, str]]


def all_there(_write: Write) -> tuple[str, str]:
    """Lack nothing."""
    return "", ""


class Builder:
    """A state in the making; `do` returns the last id that an operation gave.

    What the schema lacks something for is left out, and noted in `skipped` by its name.
    """

    def __init__(self, state: State, lack: Lack = all_there) -> None:
        """Build on a state."""
        self.state = state
        self.writes: list[Write] = []
        self.done: list[tuple[State, Operation, Act, dict[str, Any]]] = []  # from which state
        self.skipped: dict[str, tuple[str, str]] = {}
        self._lack = lack

    def do(self, operation: Operation, **arguments: Any) -> int:
        """Do one thing."""
        act = operation.act(self.state, **arguments)
        lacks = [each for each in map(self._lack, act.writes) if each != ("", "")]
        if lacks:
            self.skipped[operation.name] = lacks[0]
            return self.state.serial
        self.done.append((self.state, operation, act, arguments))
        self.state = act.after
        self.writes += act.writes
        return self.state.serial

    @property
    def act(self) -> Act:
        """Return all that was done as one."""
        return Act(tuple(merged(self.writes)), self.state)

    def creator(self, email: str = "ann@example.com") -> tuple[int, int]:
        """Sign up a creator with a team; return both."""
        first = self.state.serial + 1
        self.do(users.SIGN_UP_AS_CREATOR, email=email, team=True)
        return first, first + 1

    def job(self, by: tuple[int, int | None, int | None], **arguments: Any) -> int:
        """Make a queued job; free of charge where the schema lacks what it would be paid with."""
        plain = {"project": None, "charge": 0, "key": None, "status": "queued"}
        before = self.state.serial
        made = self.do(jobs.MAKE, by=by, **{**plain, **arguments})
        if made == before and arguments.get("charge"):
            return self.do(jobs.MAKE, by=by, **{**plain, **arguments, "charge": 0})
        return made


Setup: TypeAlias = Callable[[Builder], None]


def nothing(_builder: Builder) -> None:
    """Begin with nothing."""


def a_team(builder: Builder) -> None:
    """Begin with a team of an owner, an admin and a viewer, a starter, and some credits.

    The viewer was an admin once, and has made a project.
    """
    _, team = builder.creator()
    user, seat = 0, 0
    for email in ("bob@example.com", "cid@example.com"):
        user, _ = builder.creator(email)
        seat = builder.do(memberships.JOIN, by=(user, team), role="admin")
    starter = builder.do(users.SIGN_UP, email="eve@example.com")
    builder.do(credit.GRANT, payer=("teams", team), amount=10)
    builder.do(credit.GRANT, payer=("users", starter), amount=4)
    builder.do(projects.MAKE, by=(user, team), status="draft")
    builder.do(memberships.CHANGE_ROLE, membership=seat, role="viewer")


def nine_owned_teams(builder: Builder) -> None:
    """Begin with somebody who owns nine teams, and a member of one who could be promoted."""
    user, first = builder.creator()
    for _ in range(8):
        builder.do(teams.FOUND, user=user, slug="given", owned=True)
    other, team = builder.creator("bob@example.com")
    builder.do(memberships.JOIN, by=(user, team), role="member")
    builder.do(memberships.JOIN, by=(other, first), role="member")


def forty_nine_memberships(builder: Builder) -> None:
    """Begin with somebody who is in 49 teams, and two teams more."""
    for user, _ in [builder.creator("bob@example.com") for _ in range(5)]:
        for _ in range(9):
            builder.do(teams.FOUND, user=user, slug="given", owned=True)
    builder.creator("bob@example.com")
    founded = [*builder.state.teams]
    member, _ = builder.creator()
    for team in founded[:48]:
        builder.do(memberships.JOIN, by=(member, team), role="viewer")


def forty_nine_invitations(builder: Builder) -> None:
    """Begin with a team that has sent 49 invitations."""
    user, team = builder.creator()
    builder.do(users.SIGN_UP, email="cid@example.com")
    for number in range(49):
        guest = f"guest{number}@example.com"
        builder.do(memberships.INVITE, by=(user, team), email=guest, role="member", answered="open")


def four_active_jobs(builder: Builder) -> None:
    """Begin with a team that has four active jobs, one of them its project's."""
    user, team = builder.creator()
    project = builder.do(projects.MAKE, by=(user, team), status="draft")
    builder.do(projects.MAKE, by=(user, team), status="draft")
    builder.job((user, team, None), project=project)
    for _ in range(3):
        builder.job((user, team, user))
    builder.job((builder.do(users.SIGN_UP, email="bob@example.com"), None, builder.state.serial))


def jobs_of_each_kind(builder: Builder) -> None:
    """Begin with a job in each state, charged for, of a team with credits."""
    user, team = builder.creator()
    builder.do(credit.GRANT, payer=("teams", team), amount=10)
    for status in ("failed", "completed", "canceled", "processing", "queued"):
        job = builder.job((user, team, None), charge=1)
        if status != "queued":
            builder.do(jobs.SAY, job=job, status="processing")
        if status not in ("queued", "processing"):
            builder.do(jobs.SAY, job=job, status=status)


def projects_of_each_kind(builder: Builder) -> None:
    """Begin with a project in each status."""
    user, team = builder.creator()
    for status in ("archived", "completed", "rendering", "draft"):
        project = builder.do(projects.MAKE, by=(user, team), status="draft")
        if status == "archived":
            builder.do(projects.ARCHIVE, project=project)
        elif status != "draft":
            job = builder.do(jobs.RENDER, project=project, charge=0)
            if status == "completed":
                builder.do(jobs.SAY, job=job, status="processing")
                builder.do(jobs.SAY, job=job, status="completed")


def keys_of_each_kind(builder: Builder) -> None:
    """Begin with members of a team and their keys, and an asset."""
    a_team(builder)
    team = next(iter(builder.state.teams))
    for member in builder.state.members(team)[:2]:
        for by in (
            (member.user, None, member.user),
            (member.user, team, None),
            (member.user, team, member.user),
        ):
            builder.do(keys.MAKE, by=by, hashed="fresh", lasts=None)
    owner = builder.state.members(team)[0].user
    project = builder.do(projects.MAKE, by=(owner, team), status="draft")
    builder.do(
        assets.ANNOUNCE,
        by=(owner, team, None),
        project=project,
        amiss="nothing",
        status="pending",
    )


def deliveries_of_each_kind(builder: Builder) -> None:
    """Begin with a webhook, a delivery in each state, and a job with two events."""
    user, team = builder.creator()
    job = builder.job((user, team, None))
    for kind in ("failed", "progress"):
        builder.do(events.APPEND, job=job, number=0, kind=kind)
    webhook = builder.do(deliveries.MAKE, by=(user, team), url="https", events="one")
    for status in ("delivered", "failed", "retrying", "pending"):
        delivery = builder.do(deliveries.QUEUE, webhook=webhook, job=job, status="pending")
        if status != "pending":
            builder.do(deliveries.TRY, delivery=delivery, status=status, lacking="nothing")


BY_NAME: dict[str, Setup] = {
    setup.__name__.replace("_", " "): setup
    for setup in (
        nothing,
        a_team,
        nine_owned_teams,
        forty_nine_memberships,
        forty_nine_invitations,
        four_active_jobs,
        jobs_of_each_kind,
        projects_of_each_kind,
        keys_of_each_kind,
        deliveries_of_each_kind,
    )
}


def _act(state: State, like: str) -> Act:
    builder = Builder(state)
    BY_NAME[like](builder)
    return builder.act


def merged(writes: Sequence[Write]) -> list[Write]:
    """Put inserts into one table together, where nothing else was written to it before."""
    rows: dict[str, list[Row]] = {}
    order: list[Write | str] = []
    closed: set[str] = set()
    for write in writes:
        if isinstance(write, Insert) and write.table not in closed:
            if write.table not in rows:
                order.append(write.table)
            rows.setdefault(write.table, []).extend(write.rows)
        else:
            order.append(write)
            closed.update(rows)
    return [Insert(each, tuple(rows[each])) if isinstance(each, str) else each for each in order]


BEGIN = Operation("begin", {"like": lambda _state: tuple(BY_NAME)}, _act, alone=True)


def begin(state: State, like: str, lack: Lack) -> tuple[Step | None, dict[str, tuple[str, str]]]:
    """Return the step from an empty state to a setup's, and what it leaves out.

    None where nothing comes of it without that.
    """
    builder = Builder(state, lack)
    try:
        BY_NAME[like](builder)
    except (LookupError, StopIteration):  # it speaks of what was left out
        return None, builder.skipped
    return of_act(state, BEGIN, {"like": like}, builder.act), builder.skipped


def parts(state: State, like: str) -> list[tuple[State, Step]]:
    """Return what a setup does, one by one, each with the state before it."""
    builder = Builder(state)
    BY_NAME[like](builder)
    return [
        (before, of_act(before, operation, arguments, act))
        for before, operation, act, arguments in builder.done
    ]


__all__ = ["BEGIN", "BY_NAME", "Lack", "Setup", "all_there", "begin", "merged", "parts"]
