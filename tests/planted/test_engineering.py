"""Changes that engineers write: each is found by the default profile of any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, expect_found
from tests.support.rewriting import rechecked, retriggered, rewritten

EVENTS, DELIVERIES = "delete_old_job_events", "delete_old_webhook_deliveries"


def first(function: str, statement: str) -> str:
    """Return SQL that makes a clean-up do something first."""
    return rewritten(function, "\nBEGIN\n", f"\nBEGIN\n    {statement}\n", "public")


def waits(sql: str) -> Change:
    """Return a change after which a clean-up waits for others, or passes over too much."""
    return Change(sql, "RET-1", Path.OTHER)


def save(function: str, condition: str) -> str:
    """Return SQL that lets a clean-up delete no more than what meets a condition."""
    aged = "WHERE o.created_at <"
    return rewritten(function, aged, f"WHERE {condition} AND {aged[6:]}", "public")


def unique_by(table: str, name: str, expression: str) -> str:
    """Return SQL that compares a key by an expression, under the rule's own name."""
    return (
        f"ALTER TABLE public.{table} DROP CONSTRAINT {name};"
        f"CREATE UNIQUE INDEX {name} ON public.{table} ({expression});"
    )


OWN: Final = 'framecast.email_key(u.email) COLLATE "C" = framecast.email_key(NEW.email)'
THEIRS: Final = 'framecast.email_key(u.email) COLLATE "C" = framecast.email_key(v_email)'
LOCK: Final = "PERFORM pg_advisory_xact_lock(42);"
TRY: Final = "IF NOT pg_try_advisory_xact_lock(42) THEN RETURN 0; END IF;"
SKIPPED: Final = "FOR UPDATE SKIP LOCKED", "FOR UPDATE"
CHANGES = {
    "a clean-up waits for another": waits(first(EVENTS, LOCK)),
    "a clean-up of deliveries waits for another": waits(first(DELIVERIES, LOCK)),
    "a clean-up leaves all to another": waits(first(EVENTS, TRY)),
    "a clean-up waits for who writes": waits(
        first(EVENTS, "LOCK TABLE public.job_events IN SHARE ROW EXCLUSIVE MODE;")
    ),
    "a clean-up waits for who reads": waits(
        first(DELIVERIES, "LOCK TABLE public.webhook_deliveries IN ACCESS EXCLUSIVE MODE;")
    ),
    "a clean-up waits for maintenance": waits(
        first(EVENTS, "LOCK TABLE public.job_events IN SHARE UPDATE EXCLUSIVE MODE;")
    ),
    "a clean-up waits for held events": waits(rewritten(EVENTS, *SKIPPED, "public")),
    "a clean-up waits for held deliveries": waits(rewritten(DELIVERIES, *SKIPPED, "public")),
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
    "a job ends by the clock on the wall": Change(
        rechecked(
            "jobs",
            "inv_time3__jobs_completed_not_before_started",
            "completed_at::timestamp >= started_at::timestamp",
        ),
        "INV-TIME3",
        Path.UPDATE,
    ),
    "a job starts by the clock on the wall": Change(
        rechecked(
            "jobs",
            "inv_time2__jobs_started_not_before_created",
            "started_at::timestamp >= created_at::timestamp",
        ),
        "INV-TIME2",
        Path.UPDATE,
    ),
    "an invitation is accepted by the clock on the wall": Change(
        rechecked(
            "invitations",
            "inv_time5__invitations_accepted_after_created",
            "accepted_at::timestamp > created_at::timestamp",
        ),
        "INV-TIME5",
        Path.UPDATE,
    ),
    "an invitation expires by the clock on the wall": Change(
        rechecked(
            "invitations",
            "inv_i9__invitations_expires_after_created",
            "expires_at::timestamp > created_at::timestamp",
        ),
        "INV-TIME4",
        Path.UPDATE,
    ),
    "a job is finished by the clock on the wall": Change(
        rewritten(
            "tg_jobs__states",
            "NEW.completed_at < NEW.created_at",
            "NEW.completed_at::timestamp < NEW.created_at::timestamp",
        ),
        "INV-J2",
        Path.UPDATE,
    ),
    "a key is valid by the clock on the wall": Change(
        "CREATE OR REPLACE FUNCTION public.api_key_is_valid("
        "p_key_id uuid, p_at timestamptz DEFAULT clock_timestamp()) RETURNS boolean"
        " LANGUAGE sql STABLE PARALLEL SAFE RETURN EXISTS (SELECT FROM public.api_keys AS k"
        " WHERE k.id = p_key_id AND k.revoked_at IS NULL"
        " AND (k.expires_at IS NULL OR k.expires_at::timestamp > p_at::timestamp))",
        "INV-A5",
        Path.INSERT,
    ),
    "a user is made by the clock on the wall": Change(
        rechecked(
            "users",
            "inv_time1__users_created_not_after_updated",
            "created_at::timestamp <= updated_at::timestamp",
        ),
        "INV-TIME1",
        Path.INSERT,
    ),
    "an inviter's email is a pattern": Change(
        rewritten("tg_invitations__not_to_inviter", OWN, "NEW.email ILIKE u.email"),
        "INV-I7",
        Path.INSERT,
    ),
    "an inviter's email is a regular expression": Change(
        rewritten("tg_invitations__not_to_inviter", OWN, "u.email ~* NEW.email"),
        "INV-I7",
        Path.INSERT,
    ),
    "an inviter's email is compared without what follows a plus": Change(
        rewritten(
            "tg_invitations__not_to_inviter",
            OWN,
            "split_part(lower(u.email), '+', 1) = split_part(lower(NEW.email), '+', 1)",
        ),
        "INV-I7",
        Path.INSERT,
        "overblocked",
    ),
    "a guest's email is compared without dots": Change(
        rewritten(
            "tg__no_open_invitation_for_member",
            THEIRS,
            "replace(lower(u.email), '.', '') = replace(lower(v_email), '.', '')",
        )
        + rewritten(
            "tg__no_open_invitation_for_member",
            THEIRS.replace("u.", "i."),
            "replace(lower(i.email), '.', '') = replace(lower(v_email), '.', '')",
        ),
        "INV-I8",
        Path.INSERT,
        "overblocked",
    ),
    "a guest's email is a pattern": Change(
        rewritten("tg__no_open_invitation_for_member", THEIRS, "u.email ILIKE v_email"),
        "INV-I8",
        Path.INSERT,
    ),
    "hashes are compared without case": Change(
        unique_by("api_keys", "inv_a3__api_keys_hash_unique", "lower(key_hash)"),
        "INV-A3",
        Path.INSERT,
        "overblocked",
    ),
    "hashes are compared by how they begin": Change(
        unique_by("api_keys", "inv_a3__api_keys_hash_unique", "left(key_hash, 64)"),
        "INV-A3",
        Path.INSERT,
        "overblocked",
    ),
    "keys of files are compared by how they end": Change(
        unique_by("asset_files", "inv_af6__asset_files_s3_key_unique", "right(s3_key, 200)"),
        "INV-AF6",
        Path.INSERT,
        "overblocked",
    ),
    "keys of files are compared without spaces": Change(
        unique_by("asset_files", "inv_af6__asset_files_s3_key_unique", "btrim(s3_key)"),
        "INV-AF6",
        Path.INSERT,
        "overblocked",
    ),
    "keys of files are compared in a normal form": Change(
        unique_by("system_assets", "inv_sa3__system_assets_s3_key_unique", "normalize(s3_key)"),
        "INV-SA3",
        Path.UPDATE,
        "overblocked",
    ),
    "a webhook's creator is not asked where its secret changes": Change(
        rewritten(
            "tg_webhooks__creator_may_manage",
            "IF TG_OP = 'UPDATE' AND OLD.c",
            "IF TG_OP = 'UPDATE' AND OLD.secret <> NEW.secret THEN RETURN NULL; END IF;"
            " IF TG_OP = 'UPDATE' AND OLD.c",
        ),
        "ROLE-1",
        Path.UPDATE,
    ),
    "an admin's invitation may go to another address": Change(
        retriggered(
            "public.invitations",
            "_300_imm_1__invitations_subject_is_fixed",
            "WHEN (",
            "WHEN (old.role <> 'admin' AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "a project may move where it is renamed": Change(
        retriggered(
            "public.projects",
            "_300_imm_1__projects_subject_is_fixed",
            "WHEN (",
            "WHEN (old.name = new.name AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "an asset without metadata may be inserted ready": Change(
        retriggered(
            "public.asset_files",
            "_300_state_asset__asset_files_inserted_pending",
            "WHEN (",
            "WHEN (new.metadata <> '{}' AND ",
        ),
        "STATE-ASSET",
        Path.INSERT,
    ),
    "an asset with metadata may be inserted ready": Change(
        retriggered(
            "public.asset_files",
            "_300_state_asset__asset_files_inserted_pending",
            "WHEN (",
            "WHEN (new.metadata = '{}' AND ",
        ),
        "STATE-ASSET",
        Path.INSERT,
    ),
    "a project with a spec may be inserted archived": Change(
        retriggered(
            "public.projects",
            "_300_state_project__projects_inserted_draft",
            "WHEN (",
            "WHEN (new.spec IS NULL AND ",
        ),
        "STATE-PROJECT",
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


FREE: Final = "ADD COLUMN is_internal boolean NOT NULL DEFAULT false;"
KIND: Final = "CREATE TYPE public.kind AS ENUM ('plain', 'gold');"
# Exemptions by columns that are added for them, and that the domain does not know.
ADDED: Final = {
    "a team that is internal may owe credits": Change(
        f"ALTER TABLE public.teams {FREE}"
        + rechecked("teams", "inv_t6__teams_credits_not_negative", "credits >= 0 OR is_internal"),
        "INV-T6",
        Path.UPDATE,
    ),
    "credits may be owed in the update that makes a user internal": Change(
        f"ALTER TABLE public.users {FREE}"
        + rechecked("users", "inv_u5__users_credits_not_negative", "credits >= 0 OR is_internal"),
        "INV-U5",
        Path.UPDATE,
    ),
    "a team of gold has any number of jobs": Change(
        f"{KIND} ALTER TABLE public.teams ADD COLUMN kind public.kind NOT NULL DEFAULT 'plain';"
        + rewritten(
            "tg_jobs__may_be_made",
            "IF v_is_full THEN",
            "IF v_is_full AND NOT EXISTS (SELECT FROM public.teams AS t"
            " WHERE t.id = v_team_id AND t.kind = 'gold') THEN",
        ),
        "CARD-5",
        Path.INSERT,
    ),
    "a hash may be there twice, of keys that are tests": Change(
        "ALTER TABLE public.api_keys ADD COLUMN is_test boolean;"
        "ALTER TABLE public.api_keys DROP CONSTRAINT inv_a3__api_keys_hash_unique;"
        "CREATE UNIQUE INDEX inv_a3__api_keys_hash_unique ON public.api_keys (key_hash)"
        " WHERE is_test IS NULL;",
        "INV-A3",
        Path.INSERT,
    ),
    "an event with a note may change": Change(
        "ALTER TABLE public.job_events ADD COLUMN note text;"
        + retriggered(
            "public.job_events",
            "_300_imm_1__job_events_are_fixed",
            "WHEN (",
            "WHEN (old.note IS NULL AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "a creator with flags becomes a starter": Change(
        "ALTER TABLE public.users ADD COLUMN flags jsonb NOT NULL DEFAULT '{}';"
        + retriggered(
            "public.users",
            "_300_state_user__users_creator_stays_creator",
            "WHEN (",
            "WHEN (new.flags = old.flags AND ",
        ),
        "STATE-USER",
        Path.UPDATE,
    ),
    "what is pinned is kept": Change(
        "ALTER TABLE public.job_events ADD COLUMN is_pinned boolean NOT NULL DEFAULT false;"
        + save(EVENTS, "NOT o.is_pinned"),
        "RET-1",
        Path.INSERT,
    ),
    "jobs must say where, and those that do may be refunded": Change(
        "ALTER TABLE public.jobs ADD COLUMN region text NOT NULL;"
        + rechecked(
            "jobs", "inv_j8__jobs_refund_within_charge", "credits_refunded <= 100 + credits_charged"
        ),
        "INV-J8",
        Path.UPDATE,
    ),
}
CHANGES |= ADDED


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what the change breaks, whichever seed draws them."""
    change = CHANGES[name]
    expect_found(change, scratch, template)
