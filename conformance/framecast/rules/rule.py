"""Rules of this domain: the engine's entry, and what several areas ask alike."""

from conformance.engine.kinds.keys import unmatched
from conformance.engine.kinds.rule import Holds, Rule

__all__ = ["Holds", "Rule", "unowned", "unowned_at_scale"]


def unowned(table: str) -> str:
    """Return a query for the rows of a table that are not owned by their project's team."""
    return (
        f"SELECT c.id::text FROM {table} c WHERE c.project_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM projects p WHERE p.id = c.project_id"
        " AND 'framecast:team:' || p.team_id::text = c.owner::text)"
    )


def unowned_at_scale(table: str) -> str:
    """Return the same, by the column that derives a project's URN from its team."""
    return (
        f"SELECT id::text FROM {table} WHERE project_id IS NOT NULL AND owner IS NULL UNION ALL "
        + unmatched(table, {"project_id": "id", "owner::text": "owner"}, "projects")
    )
