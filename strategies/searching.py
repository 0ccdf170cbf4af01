"""Search of projects by their specs, however each came by its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.documents import Jsonb
from conformance.engine.sql.writes import Delete, RawSql, Row, Update
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.cases.scenario import Transaction

# True where the copy that is searched is what it is a copy of. Its name stands in a text, which
# ts_stat runs, since a schema need not have a copy.
SEARCHED: Final = """
SELECT CASE WHEN to_regclass('framecast.project_specs') IS NULL THEN true ELSE NOT EXISTS (
    SELECT FROM ts_stat(
        'SELECT ''differs''::tsvector FROM public.projects AS p'
        ' FULL JOIN framecast.project_specs AS s ON s.project_id = p.id'
        ' WHERE p.spec IS DISTINCT FROM s.spec'
    )
) END
"""
ONE, OTHER = Jsonb({"title": "Harbour"}), Jsonb({"title": "Harbor"})
# The spec that a project is made with, and those that it is given one after the other.
SPECS: Final[Mapping[str, tuple[Jsonb | None, ...]]] = {
    "made": (ONE,),
    "made without": (None,),
    "changed": (ONE, OTHER),
    "written again": (ONE, ONE),
    "begun": (None, ONE),
    "taken away": (ONE, None),
    "taken away and begun": (ONE, None, OTHER),
}
LATE: Final[Row] = {"spec": OTHER}
AGAIN: Final = """
WITH p AS (DELETE FROM public.projects WHERE id = '{}' RETURNING *)
INSERT INTO public.projects (id, team_id, created_by, name, spec)
SELECT p.id, p.team_id, p.created_by, p.name, {} FROM p
"""


def searching() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    for way, (first, *then) in SPECS.items():
        world, project = _two(first)
        changes: list[Transaction] = [(Update("projects", project, {"spec": s}),) for s in then]
        yield _case(way, world, *changes, (Update("projects", project, {"name": "Other"}),))
    world, project = _two(ONE)
    archived = (Update("projects", project, {"status": "archived"}),)
    yield _case("changed while archived", world, archived, (Update("projects", project, LATE),))
    world, project = _two(ONE)
    yield _case("deleted", world, (Delete("projects", project),))
    for spec in ("NULL", "p.spec", '\'{"title": "Other"}\''):
        world, project = _two(ONE)
        again = AGAIN.format(project["id"], spec)
        yield _case(f"made again with {spec.strip(chr(39))}", world, (RawSql(again),))


def _two(spec: Jsonb | None) -> tuple[World, Row]:
    """Return a world with two projects, and the key of the one that has the spec."""
    world = World()
    team, owner = world.team()
    world.project(team, owner, spec=ONE)
    return world, {"id": world.project(team, owner, spec=spec)["id"]}


def _case(way: str, world: World, *then: Transaction) -> ColumnCase:
    facts = (Fact(SEARCHED, expected=True),)
    return ColumnCase(
        f"specs searched: {way}", (tuple(world.given), *then), facts=facts, tables=TABLES
    )


TABLES: Final = ("projects", "framecast.project_specs")
