"""Exemptions for one step of many, and for what comes last, are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.engineering import Change, findings
from tests.rewriting import rechecked, rewritten

MOVES: Final = "ELSIF OLD.status <> NEW.status AND"

# What is let pass -> the change, a rule, and a path that finds it.
BROKEN: Final = {
    "a job that is tried again": (
        rewritten(
            "tg_jobs__states",
            "('queued', 'processing'), ('queued', 'canceled'),",
            "('queued', 'processing'), ('queued', 'canceled'), ('processing', 'queued'),",
        ),
        "STATE-JOB",
        Path.UPDATE,
    ),
    "a job that nobody took in time": (
        rewritten(
            "tg_jobs__states", MOVES, f"{MOVES} NEW.failure_type IS DISTINCT FROM 'timeout' AND"
        ),
        "STATE-JOB",
        Path.UPDATE,
    ),
    "a second answer after the invitation has expired": (
        rechecked(
            "invitations",
            "inv_i3__invitations_not_accepted_and_revoked",
            "accepted_at IS NULL OR revoked_at IS NULL OR expires_at < revoked_at",
        ),
        "INV-I3",
        Path.UPDATE,
    ),
    "a delivery that was given up": (
        rewritten(
            "delete_old_webhook_deliveries",
            "WHERE o.created_at <",
            "WHERE NOT (o.status = 'failed' AND o.attempts >= o.max_attempts) AND o.created_at <",
            "public",
        ),
        "RET-1",
        Path.INSERT,
    ),
    "the number of the event that ends a job": (
        rewritten(
            "tg_job_events__record_number",
            "SET last_sequence = excluded.last_sequence;",
            "SET last_sequence = excluded.last_sequence WHERE NEW.event_type <> 'completed';",
        ),
        "SEQ-1",
        Path.TRUNCATE,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_step_of_many_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule try every step of every row, whichever seed draws them."""
    change = Change(*BROKEN[name])
    found = findings(change, scratch, template)

    assert [(change.rule, change.verdict)] * len(found) == [
        each and (each.rule, str(each.verdict)) for each in found
    ], found
