"""Legal writes of jobs that look as if a rule refused them: they must be accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.writes import Delete, Insert, RawSql, Update, statements
from strategies.conflicts import proposed
from strategies.world import NOW, World, steps_to, urn_of_team

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.cases.scenario import Transaction


def harmless_jobs() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    yield _at_the_cap()
    yield _busy_starter()
    yield _late_promotion()
    for end in ("canceled", "completed"):
        yield _guest_who_tidies_up(end)
        yield _ended_and_made(end)
    yield _started_in_the_future()


def _at_the_cap() -> ColumnCase:
    """A team with five active jobs, of which one is proposed again."""
    world = World()
    team, owner = world.team()
    rows = [world.job(owner, urn_of_team(team)) for _ in range(5)]
    again = (proposed(Insert("jobs", (rows[0],)), "(id) DO NOTHING"),)
    return ColumnCase("jobs.id proposed at the cap", (tuple(world.given), again), tables=("jobs",))


def _busy_starter() -> ColumnCase:
    """A starter with an active job, which is proposed again."""
    world = World()
    row = world.job(world.starter())
    again = (proposed(Insert("jobs", (row,)), "(id) DO NOTHING"),)
    return ColumnCase(
        "jobs.id proposed by a starter", (tuple(world.given), again), tables=("jobs",)
    )


def _late_promotion() -> ColumnCase:
    """A starter joins a team, makes two jobs of it, and only then becomes a creator."""
    world = World()
    team, _ = world.team()
    user = world.starter()
    promoted: Transaction = (
        Insert("memberships", (world.a_membership(team, user),)),
        Insert("jobs", (world.a_job(user, urn_of_team(team)),)),
        Insert("jobs", (world.a_job(user, urn_of_team(team)),)),
        Update("users", {"id": user["id"]}, {"tier": "creator", "upgraded_at": NOW}),
    )
    tables = ("jobs", "users", "memberships")
    return ColumnCase("jobs.triggered_by promoted", (tuple(world.given), promoted), tables=tables)


def _guest_who_tidies_up(end: str) -> ColumnCase:
    """A starter joins a team, makes two jobs of it and leaves; before commit one has ended."""
    world = World()
    team, _ = world.team()
    user = world.starter()
    joins = world.a_membership(team, user)
    first, second = (world.a_job(user, urn_of_team(team)) for _ in range(2))
    visit: Transaction = (
        Insert("memberships", (joins,)),
        Insert("jobs", (first,)),
        Insert("jobs", (second,)),
        Delete("memberships", {"id": joins["id"]}),
        *steps_to(first, end),
    )
    tables = ("memberships", "jobs")
    return ColumnCase(
        f"memberships.user_id left, {end}",
        (tuple(world.given), visit),
        tables=tables,
        meanwhile=("INV-U3", "INV-M4"),
    )


def _ended_and_made(end: str) -> ColumnCase:
    """One statement ends a project's job and makes the next one: the project goes on rendering."""
    world = World()
    team, owner = world.team()
    project = world.project(team, owner)
    job = world.job(owner, urn_of_team(team), project_id=project["id"])
    world.move(job, "processing")
    columns = "owner, triggered_by, project_id, spec_snapshot"
    (ending,) = statements(steps_to(job, end)[-1])
    both = RawSql(
        f"WITH gone AS ({ending.sql} RETURNING {columns})"
        f" INSERT INTO public.jobs ({columns}) SELECT * FROM gone"
    )
    status = f"SELECT status = 'rendering' FROM public.projects WHERE id = '{project['id']}'"
    return ColumnCase(
        f"jobs.status {end} and made",
        (tuple(world.given), (both,)),
        facts=(Fact(status, expected=True),),
        tables=("jobs", "projects"),
    )


def _started_in_the_future() -> ColumnCase:
    """A worker's clock stands before the server's: the job ends no earlier than it started."""
    world = World()
    job = world.job(world.starter())
    _, finish = steps_to(job, "completed")
    ahead = RawSql(
        "UPDATE public.jobs SET status = 'processing', started_at = now() + interval '1 hour'"
        f" WHERE id = '{job['id']}'"
    )
    return ColumnCase(
        "jobs.started_at in the future",
        (tuple(world.given), (ahead,), (finish,)),
        facts=(Fact("SELECT completed_at = started_at FROM public.jobs", expected=True),),
        tables=("jobs",),
    )
