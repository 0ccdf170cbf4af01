"""Rows of what Framecast makes, and makes it of: projects, jobs, their events, assets."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.credentials import idempotency_forms
from strategies.documents import json_objects
from strategies.enums import SYSTEM_ASSET_CATEGORY, labels
from strategies.files import (
    content_types,
    durations,
    filenames,
    s3_key_forms,
    system_id_forms,
    tags,
)
from strategies.instants import future_timestamps
from strategies.naming import project_names
from strategies.owners import Id
from strategies.rows import Row, completed, created, maybe, shapes, stamped
from strategies.sizes import INT64_MAX, asset_sizes, charges, int64s
from strategies.tables import limit
from strategies.text import texts


def projects(team: Id, created_by: Id, serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of projects, all of them drafts, made by somebody who is more than a viewer."""
    return completed("projects", _projects(), serial, team_id=team, created_by=created_by)


@cache
def _projects() -> SearchStrategy[Row]:
    return shapes(
        {"name": project_names()},
        {"status": st.just("draft"), "spec": maybe(json_objects())},
        stamped(),
    )


def jobs(
    owner: str, triggered_by: Id, serial: int | None = None, *, project: Id | None = None
) -> SearchStrategy[Row]:
    """Rows of jobs, all of them queued, which is how a job begins.

    What only a later state gives (started_at, completed_at, output, error, failure_type) is left
    out or null. The credits and the key are as any job's.

    Args:
        owner: the URN of triggered_by, or of a team where they are more than a viewer; of a
            project's job, the URN of the project's team.
        triggered_by: who acts.
        serial: see `strategies.rows`.
        project: neither archived nor with an active job.
    """
    return completed(
        "jobs", _jobs(), serial, owner=owner, triggered_by=triggered_by, project_id=project
    )


@cache
def _jobs() -> SearchStrategy[Row]:
    later = ("project_id", "output", "error", "failure_type", "started_at", "completed_at")
    return shapes(
        {"spec_snapshot": json_objects()},
        {
            "status": st.just("queued"),
            "options": json_objects(),
            "progress": json_objects(),
            "output_size_bytes": maybe(st.just(0)),
            "idempotency_key": maybe(idempotency_forms()),
            **dict.fromkeys(later, st.none()),
        },
        _credits(),
        stamped(),
    )


@cache
def _credits() -> SearchStrategy[Row]:
    both = charges().map(
        lambda pair: dict(zip(("credits_charged", "credits_refunded"), pair, strict=True))
    )
    unrefunded = charges().map(lambda pair: {"credits_charged": pair[0]})
    return st.one_of(st.just({}), unrefunded, both)


def job_events(job: Id, serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of a job's events; the sequence is left out, or a number that the database replaces."""
    return completed("job_events", _job_events(), serial, job_id=job)


@cache
def _job_events() -> SearchStrategy[Row]:
    return shapes(
        {"event_type": labels("job_event_type")},
        {"sequence": st.sampled_from((1, 2, 1_000, 0, -1, INT64_MAX)), "payload": json_objects()},
        created(),
    )


def asset_files(
    owner: str, uploaded_by: Id, serial: int | None = None, *, project: Id | None = None
) -> SearchStrategy[Row]:
    """Rows of asset files, all of them pending.

    Args:
        owner: the URN of uploaded_by, or of a team where they are more than a viewer; of a
            project's asset, the URN of the project's team.
        uploaded_by: who acts.
        serial: see `strategies.rows`.
        project: what the asset is for.
    """
    return completed(
        "asset_files",
        _asset_files(),
        serial,
        owner=owner,
        uploaded_by=uploaded_by,
        project_id=project,
    )


@cache
def _asset_files() -> SearchStrategy[Row]:
    return shapes(
        {
            "filename": filenames(),
            "s3_key": s3_key_forms(),
            "content_type": content_types(),
            "size_bytes": asset_sizes(),
        },
        {"status": st.just("pending"), "metadata": json_objects(), "project_id": st.none()},
        stamped(),
    )


def system_assets(serial: int | None = None, *, category: str | None = None) -> SearchStrategy[Row]:
    """Rows of system assets, of one category or of any."""
    return completed("system_assets", _system_assets(category), serial)


@cache
def _system_assets(category: str | None) -> SearchStrategy[Row]:
    if category is None:
        return st.one_of(*map(_system_assets, SYSTEM_ASSET_CATEGORY))
    return shapes(
        {
            "id": system_id_forms(category),
            "category": st.just(category),
            "name": texts(limit("system_assets", "name")),
            "s3_key": s3_key_forms(),
            "content_type": content_types(),
            "size_bytes": int64s(1),
        },
        {
            "description": maybe(texts(limit("system_assets", "description"))),
            "duration_seconds": maybe(durations()),
            "tags": tags(),
        },
        created(),
    )


@cache
def completions() -> SearchStrategy[Row]:
    """Columns of an UPDATE that completes a processing job."""
    return shapes(
        {"status": st.just("completed"), "output": json_objects()},
        {
            "output_size_bytes": maybe(int64s()),
            "failure_type": st.none(),
            "completed_at": future_timestamps(),
        },
        _credits(),
    )


@cache
def failures() -> SearchStrategy[Row]:
    """Columns of an UPDATE that lets a processing job fail."""
    return shapes(
        {
            "status": st.just("failed"),
            "error": json_objects(),
            "failure_type": labels("job_failure_type"),
        },
        {"completed_at": future_timestamps()},
        _credits(),
    )


@cache
def cancellations() -> SearchStrategy[Row]:
    """Columns of an UPDATE that cancels an active job."""
    return shapes(
        {"status": st.just("canceled"), "failure_type": labels("job_failure_type")},
        {"error": maybe(json_objects()), "completed_at": future_timestamps()},
        _credits(),
    )
