"""What engineers write, and no run once saw: each is found by the default profile of any seed."""

from typing import Final

import pytest

from conformance.postgres.scratch import Scratch, Template
from conformance.writes import Path
from tests.engineering import Change, findings, retriggered, rewritten

EVENTS, DELIVERIES = "delete_old_job_events", "delete_old_webhook_deliveries"


def first(function: str, statement: str) -> str:
    """Return SQL that makes a clean-up do something first."""
    return rewritten(function, "\n    WITH old AS", f"\n    {statement}\n    WITH old AS", "public")


def save(function: str, condition: str) -> str:
    """Return SQL that lets a clean-up delete no more than what meets a condition."""
    aged = "WHERE o.created_at <"
    return rewritten(function, aged, f"WHERE {condition} AND {aged[6:]}", "public")


LOCK: Final = "PERFORM pg_advisory_xact_lock(42);"
TRY: Final = "IF NOT pg_try_advisory_xact_lock(42) THEN RETURN 0; END IF;"
CHANGES: Final = {
    "a clean-up waits for another": Change(first(EVENTS, LOCK), "RET-1", Path.OTHER),
    "a clean-up of deliveries waits for another": Change(
        first(DELIVERIES, LOCK), "RET-1", Path.OTHER
    ),
    "a clean-up leaves all to another": Change(first(EVENTS, TRY), "RET-1", Path.OTHER),
    "a clean-up waits for who writes": Change(
        first(EVENTS, "LOCK TABLE public.job_events IN SHARE ROW EXCLUSIVE MODE;"),
        "RET-1",
        Path.OTHER,
    ),
    "a clean-up waits for who reads": Change(
        first(DELIVERIES, "LOCK TABLE public.webhook_deliveries IN ACCESS EXCLUSIVE MODE;"),
        "RET-1",
        Path.OTHER,
    ),
    "a clean-up waits for maintenance": Change(
        first(EVENTS, "LOCK TABLE public.job_events IN SHARE UPDATE EXCLUSIVE MODE;"),
        "RET-1",
        Path.OTHER,
    ),
    "a key is valid by the time at which the transaction began": Change(
        "CREATE OR REPLACE FUNCTION public.api_key_is_valid("
        "p_key_id uuid, p_at timestamptz DEFAULT now()) RETURNS boolean"
        " LANGUAGE sql STABLE PARALLEL SAFE RETURN EXISTS (SELECT FROM public.api_keys AS k"
        " WHERE k.id = p_key_id AND k.revoked_at IS NULL"
        " AND (k.expires_at IS NULL OR k.expires_at > p_at))",
        "INV-A5",
        Path.UPDATE,
    ),
    "open is counted by the time at which the transaction began": Change(
        rewritten("tg_invitations__team_has_at_most_50_open", "clock_timestamp()", "now()"),
        "CARD-4",
        Path.INSERT,
        "overblocked",
    ),
    "a guest is one by the time at which the transaction began": Change(
        rewritten("tg__no_open_invitation_for_member", "clock_timestamp()", "now()"),
        "INV-I8",
        Path.OTHER,
        "overblocked",
    ),
    "what expired in the transaction is accepted": Change(
        retriggered(
            "public.invitations",
            "_300_state_invitation__invitations_only_open_is_accepted",
            "clock_timestamp()",
            "now()",
        ),
        "STATE-INVITATION",
        Path.UPDATE,
    ),
    "what expired in the transaction is open": Change(
        retriggered(
            "public.invitations",
            "_300_state_invitation__invitations_inserted_open",
            "clock_timestamp()",
            "now()",
        ),
        "STATE-INVITATION",
        Path.INSERT,
    ),
    "failures are kept": Change(
        rewritten(
            EVENTS,
            "WHERE o.created_at <",
            "WHERE o.event_type <> 'failed' AND o.created_at <",
            "public",
        ),
        "RET-1",
        Path.INSERT,
    ),
    "what is to be tried again is kept": Change(
        rewritten(
            DELIVERIES,
            "WHERE o.created_at <",
            "WHERE o.status <> 'retrying' AND o.created_at <",
            "public",
        ),
        "RET-1",
        Path.INSERT,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what the change breaks, whichever seed draws them."""
    change = CHANGES[name]
    found = findings(change, scratch, template)

    assert [(change.rule, change.verdict)] * len(found) == [
        each and (each.rule, str(each.verdict)) for each in found
    ], found
