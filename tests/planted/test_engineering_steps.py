"""Exemptions for one step of many, and for what comes last, are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, expect_found
from tests.support.rewriting import rechecked, retriggered, rewritten

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
    "an owner who comes after another in one statement": (
        rewritten(
            "tg_memberships__user_owns_at_most_10_teams",
            "WHERE n.role = 'owner')",
            "WHERE n.role = 'owner' ORDER BY n.id LIMIT 1)",
        ),
        "INV-T7",
        Path.INSERT_MANY,
    ),
    "an owner who comes after ten others in one statement": (
        rewritten(
            "tg_memberships__user_owns_at_most_10_teams",
            "FROM new_rows AS n WHERE n.role",
            "FROM (SELECT * FROM new_rows LIMIT 10) AS n WHERE n.role",
        ),
        "INV-T7",
        Path.INSERT_MANY,
    ),
    "all who join in a statement but the first": (
        rewritten(
            "tg_memberships__user_in_at_most_50_teams",
            "IN (SELECT n.user_id FROM new_rows AS n)",
            "= (SELECT n.user_id FROM new_rows AS n ORDER BY n.user_id LIMIT 1)",
        ),
        "INV-T8",
        Path.INSERT_MANY,
    ),
    "an end before its beginning of what was taken back": (
        rechecked(
            "invitations",
            "inv_i9__invitations_expires_after_created",
            "expires_at > created_at OR revoked_at IS NOT NULL",
        ),
        "INV-I9",
        Path.UPDATE,
    ),
    "a project whose job is queued": (
        rewritten("tg_projects__active_job_keeps_rendering", "< 'completed'", "= 'processing'"),
        "STATE-PROJECT",
        Path.UPDATE,
    ),
    "a team of more than ten": (
        rewritten(
            "tg__team_has_an_owner",
            "m.team_id = v_team_id AND m.role = 'owner'",
            "m.team_id = v_team_id AND (m.role = 'owner' OR 10 < ("
            "SELECT count(*) FROM public.memberships AS o WHERE o.team_id = v_team_id))",
        ),
        "INV-T2",
        Path.DELETE,
    ),
    "a starter's job that is older than its project": (
        rewritten(
            "tg_memberships__leaves_starter_1_active",
            "j.triggered_by = OLD.user_id AND j.status < 'completed'",
            "j.triggered_by = OLD.user_id AND j.status < 'completed' AND NOT EXISTS"
            " (SELECT FROM public.projects AS p"
            " WHERE p.id = j.project_id AND p.created_at > j.created_at)",
        ),
        "CARD-6",
        Path.OTHER,
    ),
    "everybody's first job": (
        rewritten(
            "tg_jobs__may_be_made",
            "OFFSET 5",
            "OFFSET CASE WHEN EXISTS (SELECT FROM public.jobs AS o WHERE o.id <> NEW.id"
            " AND o.triggered_by = NEW.triggered_by) THEN 5 ELSE 6 END",
        ),
        "CARD-5",
        Path.INSERT,
    ),
    "the oldest, where younger ones came before": (
        rewritten(
            "delete_old_webhook_deliveries",
            "ORDER BY o.created_at, o.id",
            "ORDER BY o.id",
            "public",
        ),
        "RET-1",
        Path.UPDATE,
    ),
    "the 11th key of who is erased": (
        rewritten(
            "erase_user",
            "DELETE FROM public.api_keys AS k WHERE k.user_id = p_user_id;",
            "DELETE FROM public.api_keys AS k WHERE k.id IN (SELECT o.id FROM public.api_keys AS o"
            " WHERE o.user_id = p_user_id ORDER BY o.id LIMIT 10);",
            "public",
        ),
        "PRIVACY-3",
        Path.UPDATE,
    ),
    "the 11th invitation to who is erased": (
        rewritten(
            "erase_user",
            'OR framecast.email_key(i.email) COLLATE "C" = framecast.email_key(v_user.email);'
            "\n    UPDATE",
            "OR i.id IN (SELECT o.id FROM public.invitations AS o"
            " WHERE framecast.email_key(o.email) = framecast.email_key(v_user.email)"
            " ORDER BY o.id LIMIT 10);\n    UPDATE",
            "public",
        ),
        "PRIVACY-3",
        Path.UPDATE,
    ),
    "the number of the event that ends a job": (
        rewritten(
            "tg_job_events__record_number",
            "WHERE c.job_id = NEW.job_id;",
            "WHERE c.job_id = NEW.job_id AND NEW.event_type <> 'completed';",
        ),
        "SEQ-1",
        Path.TRUNCATE,
    ),
    "an active job, where a younger one has ended": (
        rewritten(
            "tg_teams__has_no_active_jobs",
            "OLD.id AND j.status < 'completed'",
            "OLD.id AND j.status < 'completed' AND NOT EXISTS (SELECT FROM public.jobs AS y"
            " WHERE framecast.urn_team(y.owner) = OLD.id AND y.created_at > j.created_at"
            " AND y.status >= 'completed')",
        ),
        "DEL-1",
        Path.DELETE,
    ),
    "a webhook that goes to another team with its new creator": (
        retriggered(
            "public.webhooks",
            "_300_imm_1__webhooks_subject_is_fixed",
            "WHEN (",
            "WHEN (old.created_by = new.created_by AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "a job that leaves a project which is archived": (
        rewritten(
            "tg_jobs__leaves_only_a_project_that_goes",
            "WHERE p.id = OLD.project_id",
            "WHERE p.id = OLD.project_id AND p.status <> 'archived'",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "an update that changes nothing": (
        rewritten(
            "tg__set_updated_at",
            "NEW.updated_at :=",
            "IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NEW; END IF; NEW.updated_at :=",
        ),
        "AUTO-UPDATED",
        Path.UPDATE,
    ),
    "who was erased just now": (
        rewritten(
            "erase_user",
            "RETURN FALSE;",
            "RETURN FOUND AND v_user.updated_at = now();",
            "public",
        ),
        "PRIVACY-3",
        Path.UPDATE,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_step_of_many_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule try every step of every row, whichever seed draws them."""
    expect_found(Change(*BROKEN[name]), scratch, template)
