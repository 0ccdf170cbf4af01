"""Exemptions by the state, the place and the past of a row are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, Refused, expect_found, expect_refused
from tests.support.rewriting import rechecked, retriggered, rewritten

MAY: Final = "            AND rp.permission = p_permission\n    )"
STATES: Final = "tg_jobs__states"
CHARGE: Final = "OLD.credits_charged, OLD.failure_type"


def unless(table: str, trigger: str, condition: str) -> str:
    """Return SQL that asks a trigger only where a condition holds."""
    return retriggered(f"public.{table}", trigger, "WHEN (", f"WHEN ({condition} AND ")


def believed(query: str) -> str:
    """Return SQL that lets people act in a team also for what they once did."""
    return rewritten("user_may", MAY, f"{MAY} OR EXISTS ({query})")


def keyed(table: str, name: str, *, columns: str, where: str = "") -> str:
    """Return SQL that says a unique key in other words, under its own name."""
    only = f" WHERE {where}" if where else ""
    return (
        f"ALTER TABLE public.{table} DROP CONSTRAINT {name};"
        f"CREATE UNIQUE INDEX {name} ON public.{table} ({columns}){only};"
    )


# What is let pass -> the change, a rule, and a path that finds it.
BROKEN: Final = {
    "a creator in debt": (
        rechecked(
            "users", "inv_u5__users_credits_not_negative", "credits >= 0 OR tier = 'creator'"
        ),
        "INV-U5",
        Path.INSERT,
    ),
    "a creator of less than no bytes": (
        rechecked(
            "users",
            "inv_u6__users_ephemeral_storage_not_negative",
            "ephemeral_storage_bytes >= 0 OR tier = 'creator'",
        ),
        "INV-U6",
        Path.UPDATE,
    ),
    "a starter who is upgraded by the statement": (
        unless("users", "_300_imm_1__users_identity_is_fixed", "old.tier = new.tier"),
        "IMM-1",
        Path.UPDATE,
    ),
    "a webhook that the statement puts to rest": (
        unless(
            "webhooks",
            "_300_imm_1__webhooks_subject_is_fixed",
            "NOT (old.is_active AND NOT new.is_active)",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "usage of nothing yet": (
        unless(
            "usage",
            "_300_imm_1__usage_subject_is_fixed",
            "old.renders_count + old.render_seconds::bigint + old.credits_used + old.api_calls > 0",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    "a creator whose address changes too": (
        unless("users", "_300_state_user__users_creator_stays_creator", "old.email = new.email"),
        "STATE-USER",
        Path.UPDATE,
    ),
    "an idempotency key where there was none": (
        rewritten(
            STATES,
            "OLD.failure_type, OLD.idempotency_key",
            "OLD.failure_type, coalesce(OLD.idempotency_key, NEW.idempotency_key)",
        ),
        "STATE-JOB",
        Path.UPDATE,
    ),
    "a size that is told late": (
        rewritten(
            STATES,
            "OLD.output_size_bytes,",
            "coalesce(OLD.output_size_bytes, NEW.output_size_bytes),",
        ),
        "STATE-JOB",
        Path.UPDATE,
    ),
    "a charge in the statement that refunds": (
        rewritten(
            STATES,
            CHARGE,
            "CASE WHEN NEW.credits_refunded > OLD.credits_refunded THEN NEW.credits_charged"
            " ELSE OLD.credits_charged END, OLD.failure_type",
        ),
        "STATE-JOB",
        Path.UPDATE,
    ),
    "a refund of a canceled job that shrinks": (
        rewritten(
            STATES,
            "OR NEW.credits_refunded < OLD.credits_refunded THEN",
            "OR (NEW.credits_refunded < OLD.credits_refunded AND OLD.status <> 'canceled') THEN",
        ),
        "STATE-JOB",
        Path.UPDATE,
    ),
    "a delivery that gets more attempts": (
        unless(
            "webhook_deliveries",
            "_300_state_delivery__webhook_deliveries_asked_again_from_zero",
            "new.max_attempts = old.max_attempts",
        ),
        "STATE-DELIVERY",
        Path.UPDATE,
    ),
    "an asset of a project that comes back": (
        unless(
            "asset_files",
            "_300_state_asset__asset_files_ready_and_failed_are_final",
            "old.project_id IS NULL",
        ),
        "STATE-ASSET",
        Path.UPDATE,
    ),
    "a stranger's asset of a project": (
        unless(
            "asset_files",
            "_300_inv_x2__asset_files_uploader_in_team",
            "new.project_id IS NULL",
        ),
        "INV-X2",
        Path.INSERT,
    ),
    "a viewer's asset of a project": (
        unless(
            "asset_files",
            "_300_inv_x2__asset_files_uploader_in_team",
            "new.project_id IS NULL",
        ),
        "ROLE-2",
        Path.INSERT,
    ),
    "the key of an upload that failed": (
        keyed(
            "asset_files",
            "inv_af6__asset_files_s3_key_unique",
            columns="s3_key",
            where="status <> 'failed'",
        ),
        "INV-AF6",
        Path.INSERT,
    ),
    "a key of a file in each project": (
        keyed(
            "asset_files",
            "inv_af6__asset_files_s3_key_unique",
            columns="coalesce(project_id::text, ''), s3_key",
        ),
        "INV-AF6",
        Path.INSERT,
    ),
    "an active job of each user": (
        (
            "DROP INDEX public.inv_j12__jobs_one_active_per_project;"
            "CREATE UNIQUE INDEX inv_j12__jobs_one_active_per_project"
            " ON public.jobs (project_id, triggered_by) WHERE status < 'completed';"
        ),
        "INV-J12",
        Path.INSERT,
    ),
    "an invitation of an owner": (
        rewritten(
            "tg__no_open_invitation_for_member",
            "AND i.accepted_at IS NULL",
            "AND m.role <> 'owner' AND i.accepted_at IS NULL",
        ),
        "INV-I8",
        Path.INSERT,
    ),
    "an invitation that ends soon": (
        rewritten(
            "tg__no_open_invitation_for_member",
            "AND i.accepted_at IS NULL",
            "AND i.expires_at > i.created_at + interval '1 hour' AND i.accepted_at IS NULL",
        ),
        "INV-I8",
        Path.INSERT,
    ),
    "a creator who has had a job": (
        rewritten(
            "tg__creator_has_a_team",
            "u.id = v_user_id AND u.tier = 'creator'",
            "u.id = v_user_id AND u.tier = 'creator' AND NOT EXISTS"
            " (SELECT FROM public.jobs AS j WHERE j.triggered_by = u.id)",
        ),
        "INV-U2",
        Path.UPDATE,
    ),
    "an answered invitation of who is erased": (
        rewritten(
            "erase_user",
            "DELETE FROM public.invitations AS i\n    WHERE i.invited_by = p_user_id\n        OR",
            "DELETE FROM public.invitations AS i\n"
            "    WHERE (i.invited_by = p_user_id AND i.accepted_at IS NULL)\n        OR",
            "public",
        ),
        "PRIVACY-3",
        Path.OTHER,
    ),
    "a 51st team that is made afterwards": (
        rewritten(
            "tg_memberships__user_in_at_most_50_teams",
            "FROM public.memberships AS m\n",
            "FROM public.memberships AS m JOIN public.teams AS t ON t.id = m.team_id\n",
        ),
        "INV-T8",
        Path.INSERT,
    ),
    "11 teams of who signs up afterwards": (
        rewritten(
            "tg_memberships__user_owns_at_most_10_teams",
            "FROM public.memberships AS m\n",
            "FROM public.memberships AS m JOIN public.users AS u ON u.id = m.user_id\n",
        ),
        "INV-T7",
        Path.INSERT_MANY,
    ),
    "an owner with a hyphen elsewhere": (
        rechecked(
            "usage",
            "urn_1__usage_owner_is_one_of_three_forms",
            "owner ~ '^framecast:(user|team|[0-9a-f-]{36}):[0-9a-f-]{36}$'",
        ),
        "URN-1",
        Path.INSERT,
    ),
    **{
        f"who {name}": (believed(query), "ROLE-2", Path.INSERT)
        for name, query in {
            "had a job that completed": (
                "SELECT FROM public.jobs AS j WHERE j.triggered_by = p_user_id"
                " AND framecast.urn_team(j.owner) = p_team_id AND j.status = 'completed'"
            ),
            "uploaded what is ready": (
                "SELECT FROM public.asset_files AS a WHERE a.uploaded_by = p_user_id"
                " AND framecast.urn_team(a.owner) = p_team_id AND a.status = 'ready'"
            ),
            "is an admin of another team": (
                "SELECT FROM public.memberships AS m WHERE m.user_id = p_user_id"
                " AND m.role = 'admin' AND m.team_id <> p_team_id"
            ),
        }.items()
    },
    "who took an invitation back": (
        believed(
            "SELECT FROM public.invitations AS i WHERE i.team_id = p_team_id"
            " AND i.invited_by = p_user_id AND i.revoked_at IS NOT NULL"
        ),
        "ROLE-1",
        Path.INSERT,
    ),
    "an asset of a team that never comes": (
        rewritten("user_may", "JOIN public.teams AS t ON t.id = m.team_id", ""),
        "INV-X2",
        Path.OTHER,
    ),
    "a key of a team that never comes": (
        rewritten("user_may", "JOIN public.teams AS t ON t.id = m.team_id", ""),
        "ROLE-2",
        Path.OTHER,
    ),
    "an event of a job that comes back with it": (
        rewritten(
            "tg_job_events__number",
            "AS c WHERE c.job_id = NEW.job_id",
            "AS c JOIN public.jobs AS j ON j.id = c.job_id WHERE c.job_id = NEW.job_id",
        )
        + rewritten("tg_job_events__number", "v_last, (", "coalesce(v_last, 0), ("),
        "SEQ-1",
        Path.OTHER,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_let_pass_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what is let pass, whichever seed draws them."""
    expect_found(Change(*BROKEN[name]), scratch, template)


KEYS: Final = (
    "SELECT k.id FROM public.api_keys AS k WHERE k.user_id = OLD.user_id AND k.revoked_at IS NULL"
    " AND OLD.team_id IN (k.live_member_team_id, k.live_shared_team_id) LIMIT 10"
)
# What is refused instead of done -> the change, the rule that is tried, and who is named.
REFUSED: Final = {
    "an 11th key is not revoked": Refused(
        rewritten(
            "tg_memberships__revoke_keys",
            "WHERE k.user_id = OLD.user_id\n",
            f"WHERE k.id IN ({KEYS}) AND k.user_id = OLD.user_id\n",
        ),
        "AUTO-REVOKE",
        Path.DELETE,
        "AUTO-REVOKE",
        "broken",
    ),
    "keys of who became a viewer are not revoked": Refused(
        rewritten(
            "tg_memberships__revoke_keys",
            "AND k.revoked_at IS NULL",
            "AND k.revoked_at IS NULL AND OLD.role <> 'viewer'",
        ),
        "AUTO-REVOKE",
        Path.DELETE,
        "AUTO-REVOKE",
        "broken",
    ),
    "keys that have expired are not revoked": Refused(
        rewritten(
            "tg_memberships__revoke_keys",
            "AND k.revoked_at IS NULL",
            "AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())",
        ),
        "AUTO-REVOKE",
        Path.DELETE,
        "AUTO-REVOKE",
        "broken",
    ),
    "the 100th number is followed by itself": Refused(
        rewritten(
            "tg_job_events__number",
            "max(e.sequence)",
            "max(lpad(e.sequence::text, 2, '0'))::bigint",
        )
        + rewritten(
            "tg_job_events__record_number",
            "last_sequence = NEW.sequence",
            "last_sequence = greatest(lpad(c.last_sequence::text, 2, '0'),"
            " lpad(NEW.sequence::text, 2, '0'))::bigint",
        ),
        "SEQ-1",
        Path.INSERT_MANY,
        "AUTO-NUMBER",
        "broken",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what is refused in the place of what it does for many."""
    expect_refused(REFUSED[name], scratch, template)
