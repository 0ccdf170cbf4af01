"""Operations of jobs: they are made, move on, fail in every way, and are cloned and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, RawSql, Row, Update
from conformance.framecast.model import effects, moves
from conformance.framecast.model.entities import FINISHED, MAKERS, Job, Owner, uuid
from conformance.framecast.operations.choices import NOBODY, actor, among, row, row_or_none, varied
from conformance.framecast.operations.credit import pay
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.framecast.model import State

STATES = moves.MOVES["job"].states
FAILURES = ("system", "validation", "timeout", "canceled")
SPECS = (Jsonb({}), Jsonb({"scenes": [1, 2]}), Jsonb([]))
OUTPUT, ERROR = Jsonb({"frames": 1}), Jsonb({"code": 1})


def _make(  # noqa: PLR0913, PLR0917 - all that a job is made of
    state: State,
    by: tuple[int, int | None, int | None],
    project: int | None,
    charge: int,
    key: str | None,
    status: str,
) -> Act:
    """Make a job, and take what it costs from who pays for it."""
    user, team, member = by
    job = Job(state.serial + 1, Owner(team, member), user, project, status, charge, key=key)
    columns: Row = {
        "id": uuid(job.id),
        "owner": job.owner.urn,
        "triggered_by": uuid(user),
        "spec_snapshot": varied(job.id, SPECS),
        "credits_charged": charge,
    }
    if project is not None:
        columns = {**columns, "project_id": uuid(project)}
    if key is not None:
        columns = {**columns, "idempotency_key": key}
    if status != "queued":
        columns = {**columns, "status": status}
    after, writes = pay(state, job.owner, -charge)
    return Act(
        (Insert("jobs", (columns,)), *writes),
        effects.place_job(after, job),
        moves.refused("job", None, status) | trigger(state, job) | _into(state, project),
    )


def trigger(state: State, job: Job) -> frozenset[str]:
    """Return the rules on who may make a job."""
    if job.owner.team is None:
        return frozenset() if job.owner.user == job.user else frozenset({"INV-X1", "URN-2"})
    role = state.role(job.owner.team, job.user)
    if role is None:
        return frozenset({"INV-X1", "ROLE-2"})
    return frozenset() if role in MAKERS else frozenset({"ROLE-2"})


def _into(state: State, project: int | None) -> frozenset[str]:
    """Return the rule that no job is made in an archived project."""
    into = state.projects.get(project or 0)
    archived = into is not None and into.status == "archived"
    return frozenset({"STATE-PROJECT"}) if archived else frozenset()


def _render(state: State, project: int, charge: int) -> Act:
    """Make a job of a project, as its team."""
    team = state.projects[project].team
    makers = [m.user for m in state.members(team) if m.role in MAKERS]
    user = makers[-1] if makers else NOBODY
    return _make(state, (user, team, None), project, charge, None, "queued")


def _say(state: State, job: int, status: str, lacking: str, failure: str = "system") -> Act:
    """Say how a job goes, with what that needs, or with something lacking or amiss."""
    before = state.jobs[job]
    changes: dict[str, object] = {"status": status}
    model: dict[str, Any] = {"status": status}
    if status == "completed":
        changes["output"] = None if lacking == "what it needs" else OUTPUT
        model["output"] = lacking != "what it needs"
        if lacking == "a failure type":  # there must be none
            changes["failure_type"] = model["failure"] = "system"
    if status == "failed":
        changes["error"] = None if lacking == "what it needs" else ERROR
        model["error"] = lacking != "what it needs"
    if status in ("failed", "canceled"):
        kind = None if lacking == "a failure type" else failure
        kind = "canceled" if status == "canceled" and kind else kind
        changes["failure_type"] = model["failure"] = kind
    after = replace(before, **model)
    broken = moves.refused("job", before.status, status)
    if before.status in FINISHED and after != before:
        broken |= {"STATE-JOB"}
    moved = effects.place_job(state, after) if before.status != status else state.put(after)
    return Act((Update("jobs", {"id": uuid(job)}, changes),), moved, broken)


def _progress(state: State, job: int) -> Act:
    before = state.jobs[job]
    done = before.progress + 1
    return Act(
        (Update("jobs", {"id": uuid(job)}, {"progress": Jsonb({"done": done})}),),
        state.put(replace(before, progress=done)),
        frozenset({"STATE-JOB"}) if before.status in FINISHED else frozenset(),
    )


def _move(state: State, job: int, project: int | None) -> Act:
    """Give a job to a project, or take it out of one."""
    before = state.jobs[job]
    target = None if project is None else uuid(project)
    return Act(
        (Update("jobs", {"id": uuid(job)}, {"project_id": target}),),
        state.put(replace(before, project=project)),
        frozenset({"IMM-1"}) if before.project != project else frozenset(),
    )


def _give(state: State, job: int, by: tuple[int, int | None, int | None]) -> Act:
    """Give a job to another owner."""
    before = state.jobs[job]
    owner = Owner(by[1], by[2])
    return Act(
        (Update("jobs", {"id": uuid(job)}, {"owner": owner.urn}),),
        state.put(replace(before, owner=owner)),
        frozenset({"IMM-1"}) if before.owner != owner else frozenset(),
    )


def _delete(state: State, job: int) -> Act:
    before = state.jobs[job]
    return Act(
        (Delete("jobs", {"id": uuid(job)}),),
        effects.delete_job(state, before),
        frozenset({"DEL-1"}) if before.active else frozenset(),
    )


def _clone(state: State, job: int) -> Act:
    """Make the same job again, for the same owner, and free of charge."""
    before = state.jobs[job]
    clone = Job(state.serial + 1, before.owner, before.user, before.project)
    insert = RawSql(
        "INSERT INTO public.jobs (id, owner, triggered_by, project_id, spec_snapshot, options)"
        f" SELECT '{uuid(clone.id)}', owner, triggered_by, project_id, spec_snapshot, options"
        f" FROM public.jobs WHERE id = '{uuid(job)}'"
    )
    broken = trigger(state, clone) | _into(state, clone.project)
    return Act((insert,), effects.place_job(state, clone), broken)


def _active(state: State) -> Sequence[int]:
    return [key for key in reversed(state.jobs) if state.jobs[key].active]


LACKING = among("nothing", "nothing", "nothing", "what it needs", "a failure type")

MAKE = Operation(
    "make a job",
    {
        "by": actor,
        "project": row_or_none("projects"),
        "charge": among(0, 0, 4, -1),
        "key": among(None, None, "once"),
        "status": among(*["queued"] * 8, *STATES),
    },
    _make,
)
RENDER = Operation("render a project", {"project": row("projects"), "charge": among(0, 4)}, _render)
START = Operation(
    "start a job",
    {"job": _active},
    lambda state, job: _say(state, job, "processing", "nothing"),
)
COMPLETE = Operation(
    "complete a job",
    {"job": _active, "lacking": LACKING},
    lambda state, job, lacking: _say(state, job, "completed", lacking),
)
FAIL = Operation(
    "fail a job",
    {"job": _active, "lacking": LACKING, "failure": among(*FAILURES)},
    lambda state, job, lacking, failure: _say(state, job, "failed", lacking, failure),
)
CANCEL = Operation(
    "cancel a job",
    {"job": _active, "lacking": LACKING},
    lambda state, job, lacking: _say(state, job, "canceled", lacking),
)
SAY = Operation(
    "say how a job is",
    {"job": row("jobs"), "status": among(*STATES)},
    lambda state, job, status: _say(state, job, status, "nothing"),
)
PROGRESS = Operation("say how far a job is", {"job": row("jobs")}, _progress)
MOVE = Operation("move a job", {"job": row("jobs"), "project": row_or_none("projects")}, _move)
GIVE = Operation("give a job away", {"job": row("jobs"), "by": actor}, _give)
DELETE = Operation("delete a job", {"job": row("jobs")}, _delete)
CLONE = Operation("clone a job", {"job": row("jobs")}, _clone)

OPERATIONS = (
    MAKE,
    RENDER,
    START,
    COMPLETE,
    FAIL,
    CANCEL,
    SAY,
    PROGRESS,
    MOVE,
    GIVE,
    DELETE,
    CLONE,
)
