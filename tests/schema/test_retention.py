"""Cleaning up, with a plan that was made while the table was empty, and is kept for the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.engine.database.session import Session
from conformance.engine.sql.outcomes import Accepted
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.scratch import Scratch, Template

EVENTS = """
    INSERT INTO public.job_events (job_id, event_type, created_at)
    SELECT %s, 'progress', now() - interval '8 days' FROM generate_series(1, 40)
"""
# PostgreSQL's own module: it tells the plans of statements inside functions, as they were run.
EXPLAIN = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_nested_statements = on;
SET client_min_messages = log;
"""


@pytest.fixture
def session(scratch: Scratch, template: Template) -> Iterator[Session]:
    """A session on a database of its own, all tables of which are empty."""
    with scratch.cloned(template, "retention") as database, Session(database.conninfo) as session:
        yield session


@pytest.mark.parametrize("function", ["delete_old_job_events", "delete_old_webhook_deliveries"])
def test_a_clean_up_seeks_no_row_among_all(session: Session, function: str) -> None:
    """A plan made while the table was known to be empty does not compare each row with each."""
    plans: list[str] = []
    session.connection.add_notice_handler(lambda said: plans.append(said.message_primary or ""))
    session.connection.execute("ANALYZE")
    session.connection.execute(EXPLAIN)

    session.connection.execute(f"SELECT public.{function}()")

    (deletes,) = [plan for plan in plans if "Delete on" in plan]
    assert "Nested Loop" not in deletes


@pytest.mark.parametrize(("limit", "deleted"), [(2, 2), (0, 0), (-1, 0)])
def test_a_clean_up_keeps_to_its_limit_whatever_the_plan(
    session: Session, limit: int, deleted: int
) -> None:
    """Rows are chosen once, however often the plan asks for them."""
    world = World()
    job = world.job(world.starter())
    assert Accepted() == session.transact(world.given)
    session.connection.execute(EVENTS, [job["id"]])
    session.connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")

    assert [(deleted,)] == session.fetch(f"SELECT public.delete_old_job_events({limit})")
