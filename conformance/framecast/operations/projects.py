"""Operations of projects: they are made, edited, archived and deleted. Jobs do the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, Insert, Row, Update
from conformance.framecast.model import effects, moves
from conformance.framecast.model.entities import MAKERS, Project, uuid
from conformance.framecast.operations.choices import among, place, row
from conformance.framecast.operations.operation import Act, Operation

if TYPE_CHECKING:
    from conformance.framecast.model import State

STATES = moves.MOVES["project"].states


def _make(state: State, by: tuple[int, int], status: str) -> Act:
    creator, team = by
    serial = state.serial + 1
    project = Project(serial, team, creator, status, f"Project {serial}")
    columns: Row = {
        "id": uuid(project.id),
        "team_id": uuid(team),
        "created_by": uuid(creator),
        "name": project.name,
    }
    if status != "draft":
        columns = {**columns, "status": status}
    broken = moves.refused("project", None, status)
    if state.role(team, creator) not in MAKERS:
        broken |= {"ROLE-2"}
    return Act((Insert("projects", (columns,)),), state.put(project), broken)


def _edit(state: State, project: int) -> Act:
    edited = replace(state.projects[project], name="Another name")
    changes = {"name": edited.name, "spec": Jsonb({"scenes": [1]})}
    return Act((Update("projects", {"id": uuid(project)}, changes),), state.put(edited))


def _say(state: State, project: int, status: str) -> Act:
    """Give a project a status by hand. Into and out of rendering, only jobs may."""
    before = state.projects[project]
    return Act(
        (Update("projects", {"id": uuid(project)}, {"status": status}),),
        state.put(replace(before, status=status)),
        moves.refused("project", before.status, status),
    )


def _change_team(state: State, project: int, team: int) -> Act:
    before = state.projects[project]
    return Act(
        (Update("projects", {"id": uuid(project)}, {"team_id": uuid(team)}),),
        state.put(replace(before, team=team)),
        frozenset({"IMM-1"}) if before.team != team else frozenset(),
    )


def _delete(state: State, project: int) -> Act:
    busy = any(job.active and job.project == project for job in state.jobs.values())
    return Act(
        (Delete("projects", {"id": uuid(project)}),),
        effects.delete_project(state, state.projects[project]),
        frozenset({"DEL-1"}) if busy else frozenset(),
    )


MAKE = Operation(
    "make a project", {"by": place, "status": among("draft", "draft", "draft", *STATES)}, _make
)
EDIT = Operation("edit a project", {"project": row("projects")}, _edit)
ARCHIVE = Operation(
    "archive a project",
    {"project": row("projects")},
    lambda state, project: _say(state, project, "archived"),
)
UNARCHIVE = Operation(
    "unarchive a project",
    {"project": row("projects")},
    lambda state, project: _say(state, project, "draft"),
)
SAY = Operation(
    "say how a project is", {"project": row("projects"), "status": among(*STATES)}, _say
)
CHANGE_TEAM = Operation(
    "give a project to a team", {"project": row("projects"), "team": row("teams")}, _change_team
)
DELETE = Operation("delete a project", {"project": row("projects")}, _delete)

OPERATIONS = (MAKE, EDIT, ARCHIVE, UNARCHIVE, SAY, CHANGE_TEAM, DELETE)
