"""Exemptions by what rows seldom hold, and by what came before, are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, Refused, expect_found, expect_refused
from tests.support.rewriting import rechecked, rewritten

AGED: Final = "WHERE o.created_at <"
OLD_EVENTS, OLD_DELIVERIES = "delete_old_job_events", "delete_old_webhook_deliveries"

# What is let pass -> the change, a rule, and a path that finds it.
BROKEN: Final = {
    "an event that says much": (
        rewritten(
            OLD_EVENTS, AGED, f"WHERE pg_column_size(o.payload) < 2000 AND {AGED[6:]}", "public"
        ),
        "RET-1",
        Path.INSERT,
    ),
    "a delivery that was answered at length": (
        rewritten(
            OLD_DELIVERIES,
            AGED,
            f"WHERE coalesce(length(o.response_body), 0) < 1000 AND {AGED[6:]}",
            "public",
        ),
        "RET-1",
        Path.INSERT,
    ),
    "thirty days where clocks went back meanwhile": (
        rewritten(OLD_DELIVERIES, "720 hours", "30 days", "public"),
        "RET-1",
        Path.DELETE,
    ),
    "a file of nothing whose upload failed": (
        rechecked(
            "asset_files",
            "inv_af2__asset_files_size_positive",
            "size_bytes > 0 OR status = 'failed'",
        ),
        "INV-AF2",
        Path.UPDATE,
    ),
    "attempts beyond the last of what was delivered": (
        rechecked(
            "webhook_deliveries",
            "inv_wd3__webhook_deliveries_attempts_within_max",
            "attempts <= max_attempts OR status = 'delivered'",
        ),
        "INV-WD3",
        Path.UPDATE,
    ),
    "the number of an event that says null": (
        rewritten(
            "tg_job_events__record_number",
            "WHERE c.job_id = NEW.job_id;",
            "WHERE c.job_id = NEW.job_id AND NEW.payload <> 'null';",
        ),
        "SEQ-1",
        Path.TRUNCATE,
    ),
    "who had a job that failed": (
        rewritten(
            "tg_jobs__may_be_made",
            "IF NOT v_may_create THEN",
            "IF NOT v_may_create AND NOT EXISTS (SELECT FROM public.jobs AS o"
            " WHERE o.id <> NEW.id AND o.triggered_by = NEW.triggered_by"
            " AND o.owner = NEW.owner AND o.status = 'failed') THEN",
        ),
        "INV-X1",
        Path.INSERT,
    ),
    "a project whose job was not valid": (
        rewritten(
            "tg_jobs__move_project",
            "OR NEW.status < 'completed')",
            "OR NEW.status < 'completed' OR NEW.failure_type = 'validation')",
        ),
        "AUTO-PROJECT",
        Path.UPDATE,
    ),
    "an accepted invitation of a viewer": (
        rewritten(
            "erase_user",
            "DELETE FROM public.invitations AS i\n    WHERE i.invited_by",
            "DELETE FROM public.invitations AS i\n"
            "    WHERE (i.role <> 'viewer' OR i.accepted_at IS NULL) AND i.invited_by",
            "public",
        ),
        "PRIVACY-3",
        Path.OTHER,
    ),
    "a key that the transaction has asked for": (
        (
            "CREATE OR REPLACE FUNCTION public.api_key_is_valid("
            "p_key_id uuid, p_at timestamptz DEFAULT clock_timestamp()) RETURNS boolean"
            " LANGUAGE plpgsql SET search_path = pg_catalog AS $$"
            " DECLARE v_name text := 'known.k' || replace(p_key_id::text, '-', '');"
            " v_known text := nullif(current_setting(v_name, true), '');"
            " BEGIN RETURN coalesce(v_known, set_config(v_name, EXISTS ("
            "SELECT FROM public.api_keys AS k WHERE k.id = p_key_id AND k.revoked_at IS NULL"
            " AND (k.expires_at IS NULL OR k.expires_at > p_at))::text, true))::boolean; END $$"
        ),
        "INV-A4",
        Path.UPDATE,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_let_pass_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what is let pass, whichever seed draws them."""
    expect_found(Change(*BROKEN[name]), scratch, template)


# What is refused -> the change, the rule that is tried, and who is named.
REFUSED: Final = {
    "a slug that differs in hyphens": Refused(
        "ALTER TABLE public.teams DROP CONSTRAINT inv_t3__teams_slug_unique;"
        "CREATE UNIQUE INDEX inv_t3__teams_slug_unique ON public.teams (replace(slug, '-', ''));",
        "INV-T3",
        Path.INSERT,
        "INV-T3",
    ),
    "a team whose id somebody with a job has": Refused(
        rewritten(
            "tg_teams__has_no_active_jobs",
            "framecast.urn_team(j.owner) = OLD.id",
            "j.owner LIKE '%' || OLD.id::text || '%'",
        ),
        "DEL-1",
        Path.DELETE,
        "DEL-1",
    ),
    "a guest with an address elsewhere": Refused(
        rewritten(
            "tg__no_open_invitation_for_member",
            'framecast.email_key(i.email) COLLATE "C" = framecast.email_key(v_email)',
            "regexp_replace(lower(i.email), '[.][a-z]+$', '')"
            " = regexp_replace(lower(v_email), '[.][a-z]+$', '')",
        ),
        "INV-I8",
        Path.INSERT,
        "INV-I8",
    ),
    "who leaves and comes back, with keys that were never used": Refused(
        rewritten(
            "tg_memberships__revoke_keys",
            "AND k.revoked_at IS NULL",
            "AND k.revoked_at IS NULL AND k.last_used_at IS NOT NULL",
        ),
        "AUTO-REVOKE",
        Path.INSERT,
        "AUTO-REVOKE",
        "broken",
    ),
    "a slug that is taken when it is made again": Refused(
        rewritten(
            "tg_teams__make_slug",
            "EXIT WHEN NOT EXISTS (SELECT FROM public.teams AS t WHERE t.slug = NEW.slug);",
            "EXIT;",
        ),
        "AUTO-SLUG",
        Path.INSERT,
        "AUTO-SLUG",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what is legal and is refused."""
    expect_refused(REFUSED[name], scratch, template)
