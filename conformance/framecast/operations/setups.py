"""Where runs begin: states near an edge, which no walk of a few steps would reach.

A setup is one step like others, but of many operations. Their inserts are put together, so that
fifty rows cost one statement.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

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
from conformance.sql.writes import Insert, Row, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.model import State


# What a write needs and a schema lacks: a table and a column, or two empty texts.
Lack: TypeAlias = Callable[[Write], tuple[str, str]]


def all_there(_write: Write) -> tuple[str, str]:
    """Lack nothing."""
    return "", ""


class Building:
    """A state in the making; `do` returns the last id that an operation gave.

    What the schema lacks something for is left out, and noted in `skipped` by its name.
    """

    def __init__(self, state: State, lack: Lack = all_there) -> None:
        """Build on a state."""
        self.state = state
        self.writes: list[Write] = []
        self.skipped: dict[str, tuple[str, str]] = {}
        self._lack = lack

    def do(self, operation: Operation, **arguments: Any) -> int:
        """Do one thing."""
        act = operation.act(self.state, **arguments)
        lacks = [each for each in map(self._lack, act.writes) if each != ("", "")]
        if lacks:
            self.skipped[operation.name] = lacks[0]
            return self.state.serial
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


Setup: TypeAlias = Callable[[Building], None]


def nothing(_building: Building) -> None:
    """Begin with nothing."""


def a_team(building: Building) -> None:
    """Begin with a team of an owner, an admin and a viewer, a starter, and some credits.

    The viewer was an admin once, and has made a project.
    """
    _, team = building.creator()
    user, seat = 0, 0
    for email in ("bob@example.com", "cid@example.com"):
        user, _ = building.creator(email)
        seat = building.do(memberships.JOIN, by=(user, team), role="admin")
    starter = building.do(users.SIGN_UP, email="eve@example.com")
    building.do(credit.GRANT, payer=("teams", team), amount=10)
    building.do(credit.GRANT, payer=("users", starter), amount=4)
    building.do(projects.MAKE, by=(user, team), status="draft")
    building.do(memberships.CHANGE_ROLE, membership=seat, role="viewer")


def nine_owned_teams(building: Building) -> None:
    """Begin with somebody who owns nine teams, and a member of one who could be promoted."""
    user, first = building.creator()
    for _ in range(8):
        building.do(teams.FOUND, user=user, slug="given", owned=True)
    other, team = building.creator("bob@example.com")
    building.do(memberships.JOIN, by=(user, team), role="member")
    building.do(memberships.JOIN, by=(other, first), role="member")


def forty_nine_memberships(building: Building) -> None:
    """Begin with somebody who is in 49 teams, and two teams more."""
    owners = [building.creator("bob@example.com") for _ in range(5)]
    founded = [team for _, team in owners]
    for user, _ in owners:
        founded += [
            building.do(teams.FOUND, user=user, slug="given", owned=True) - 1 for _ in range(9)
        ]
    founded.append(building.creator("bob@example.com")[1])
    member, _ = building.creator()
    for team in founded[:48]:
        building.do(memberships.JOIN, by=(member, team), role="viewer")


def forty_nine_invitations(building: Building) -> None:
    """Begin with a team that has sent 49 invitations."""
    user, team = building.creator()
    building.do(users.SIGN_UP, email="cid@example.com")
    for number in range(49):
        guest = f"guest{number}@example.com"
        building.do(
            memberships.INVITE, by=(user, team), email=guest, role="member", answered="open"
        )


def four_active_jobs(building: Building) -> None:
    """Begin with a team that has four active jobs, one of them its project's."""
    user, team = building.creator()
    project = building.do(projects.MAKE, by=(user, team), status="draft")
    building.do(projects.MAKE, by=(user, team), status="draft")
    building.job((user, team, None), project=project)
    for _ in range(3):
        building.job((user, team, user))
    building.job((building.do(users.SIGN_UP, email="bob@example.com"), None, building.state.serial))


def jobs_of_each_kind(building: Building) -> None:
    """Begin with a job in each state, charged for, of a team with credits."""
    user, team = building.creator()
    building.do(credit.GRANT, payer=("teams", team), amount=10)
    for status in ("failed", "completed", "canceled", "processing", "queued"):
        job = building.job((user, team, None), charge=1)
        if status != "queued":
            building.do(jobs.SAY, job=job, status="processing")
        if status not in ("queued", "processing"):
            building.do(jobs.SAY, job=job, status=status)


def projects_of_each_kind(building: Building) -> None:
    """Begin with a project in each status."""
    user, team = building.creator()
    for status in ("archived", "completed", "rendering", "draft"):
        project = building.do(projects.MAKE, by=(user, team), status="draft")
        if status == "archived":
            building.do(projects.ARCHIVE, project=project)
        elif status != "draft":
            job = building.do(jobs.RENDER, project=project, charge=0)
            if status == "completed":
                building.do(jobs.SAY, job=job, status="processing")
                building.do(jobs.SAY, job=job, status="completed")


def keys_of_each_kind(building: Building) -> None:
    """Begin with members of a team and their keys, and an asset."""
    a_team(building)
    team = next(iter(building.state.teams))
    for member in building.state.members(team)[:2]:
        for by in (
            (member.user, None, member.user),
            (member.user, team, None),
            (member.user, team, member.user),
        ):
            building.do(keys.MAKE, by=by, hashed="fresh", lasts=None)
    owner = building.state.members(team)[0].user
    project = building.do(projects.MAKE, by=(owner, team), status="draft")
    building.do(
        assets.ANNOUNCE,
        by=(owner, team, None),
        project=project,
        amiss="nothing",
        status="pending",
    )


def deliveries_of_each_kind(building: Building) -> None:
    """Begin with a webhook, a delivery in each state, and a job with two events."""
    user, team = building.creator()
    job = building.job((user, team, None))
    for kind in ("failed", "progress"):
        building.do(events.APPEND, job=job, number=0, kind=kind)
    webhook = building.do(deliveries.MAKE, by=(user, team), url="https", events="one")
    for status in ("delivered", "failed", "retrying", "pending"):
        delivery = building.do(deliveries.QUEUE, webhook=webhook, job=job, status="pending")
        if status != "pending":
            building.do(deliveries.TRY, delivery=delivery, status=status, lacking="nothing")


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
    building = Building(state)
    BY_NAME[like](building)
    return building.act


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
    building = Building(state, lack)
    try:
        BY_NAME[like](building)
    except LookupError:  # it speaks of what was left out
        return None, building.skipped
    return of_act(state, BEGIN, {"like": like}, building.act), building.skipped


__all__ = ["BEGIN", "BY_NAME", "Lack", "Setup", "all_there", "begin", "merged"]
