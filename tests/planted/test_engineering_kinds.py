"""Exemptions for rows of a kind, and for people with a past, are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, expect_found
from tests.support.rewriting import rechecked, retriggered, rewritten

ACTIVE: Final = "AND j.status < 'completed'\n            OFFSET"
MAY: Final = "            AND rp.permission = p_permission\n    )"
IS_OPEN: Final = "AND i.accepted_at IS NULL"
OF_TEAM: Final = "i.team_id = NEW.team_id"
AGED: Final = "WHERE o.created_at <"
# Table, check and what it asks -> the rule, and a path that finds it.
CHECKS: Final = {
    (
        "webhook_deliveries",
        "inv_wd3__webhook_deliveries_attempts_within_max",
        "attempts <= max_attempts OR next_retry_at IS NOT NULL",
    ): ("INV-WD3", Path.UPDATE),
    (
        "jobs",
        "inv_j8__jobs_refund_within_charge",
        "credits_refunded <= credits_charged OR project_id IS NOT NULL",
    ): ("INV-J8", Path.UPDATE),
    (
        "jobs",
        "inv_j8__jobs_refund_within_charge",
        "credits_refunded <= credits_charged OR failure_type = 'system'",
    ): ("INV-J8", Path.UPDATE),
    (
        "asset_files",
        "inv_af3__asset_files_size_at_most_50_mib",
        "size_bytes <= 52428800 OR content_type = 'video/mp4'",
    ): ("INV-AF3", Path.INSERT),
    (
        "webhooks",
        "inv_w2__webhooks_has_an_event",
        "coalesce(array_ndims(events), 0) = 1 OR NOT is_active",
    ): ("INV-W2", Path.INSERT),
    (
        "teams",
        "inv_t6__teams_credits_not_negative",
        "credits >= 0 OR ephemeral_storage_bytes > 0",
    ): ("INV-T6", Path.UPDATE),
    (
        "usage",
        "inv_us2__usage_renders_not_negative",
        "renders_count >= 0 OR credits_refunded > 0",
    ): ("INV-US2", Path.UPDATE),
    (
        "api_keys",
        "inv_a2__api_keys_hash_not_empty",
        "key_hash <> '' OR expires_at IS NOT NULL",
    ): ("INV-A2", Path.INSERT),
}
# Function, what it asks, what it asks instead -> the rule, and a path that finds it.
GUARDS: Final = {
    # Of people who are not there any more, or whom nobody is with.
    (
        "tg_jobs__may_be_made",
        ACTIVE,
        (
            "AND j.status < 'completed' AND EXISTS (SELECT FROM public.memberships AS m"
            " WHERE (m.team_id, m.user_id) = (v_team_id, j.triggered_by)) OFFSET"
        ),
    ): ("CARD-5", Path.INSERT),
    (
        "tg_invitations__team_has_at_most_50_open",
        OF_TEAM,
        (
            "i.team_id = NEW.team_id AND EXISTS (SELECT FROM public.memberships AS m"
            " WHERE (m.team_id, m.user_id) = (i.team_id, i.invited_by))"
        ),
    ): ("CARD-4", Path.INSERT),
    (
        "tg_jobs__starter_has_at_most_1_active",
        "j.status < 'completed'",
        "j.owner = NEW.owner AND j.status < 'completed'",
    ): ("CARD-6", Path.INSERT),
    (
        "tg_memberships__user_in_at_most_50_teams",
        "GROUP BY",
        (
            "AND EXISTS (SELECT FROM public.memberships AS o"
            " WHERE o.team_id = m.team_id AND o.user_id <> m.user_id) GROUP BY"
        ),
    ): ("INV-T8", Path.INSERT),
    ("tg_jobs__may_be_made", ACTIVE, ACTIVE.replace("<", "= 'queued' AND j.status <")): (
        "CARD-5",
        Path.INSERT,
    ),
    (
        "tg_jobs__may_be_made",
        ACTIVE,
        ACTIVE.replace("AND", "AND j.created_at > now() - interval '24 hours' AND"),
    ): ("CARD-5", Path.INSERT),
    (
        "tg_invitations__team_has_at_most_50_open",
        OF_TEAM,
        f"i.invited_by = NEW.invited_by AND {OF_TEAM}",
    ): ("CARD-4", Path.INSERT),
    (
        "tg__no_open_invitation_for_member",
        IS_OPEN,
        f"AND i.role <> 'admin' {IS_OPEN}",
    ): ("INV-I8", Path.INSERT),
    (
        "user_may",
        MAY,
        (
            f"{MAY} OR EXISTS (SELECT FROM public.projects AS p WHERE p.team_id = p_team_id"
            " AND p.created_by = p_user_id AND p.created_at < now())"
        ),
    ): ("ROLE-2", Path.INSERT),
    (
        "user_may",
        MAY,
        (
            f"{MAY} OR EXISTS (SELECT FROM public.webhooks AS w WHERE w.team_id = p_team_id"
            " AND w.created_by = p_user_id AND w.created_at < now())"
        ),
    ): ("ROLE-1", Path.INSERT),
}
CHANGES: Final = (
    Change(
        rewritten(
            "tg_api_keys__maker_may_make_keys",
            "'keys.make')",
            "'keys.make') AND NOT EXISTS (SELECT FROM public.api_keys AS k WHERE k.id <> NEW.id"
            " AND k.user_id = NEW.user_id AND k.owner = NEW.owner AND k.revoked_at IS NULL)",
        ),
        "ROLE-2",
        Path.INSERT,
    ),
    Change(
        rewritten(
            "tg_memberships__user_owns_at_most_10_teams",
            "HAVING count(*) > 10",
            "HAVING count(*) = 11",
        ),
        "INV-T7",
        Path.INSERT_MANY,
    ),
    Change(
        rewritten(
            "tg_job_events__number", "max(e.sequence)", 'max(e.sequence::text COLLATE "C")::bigint'
        )
        + rewritten(
            "tg_job_events__record_number",
            "last_sequence = NEW.sequence",
            "last_sequence = greatest(c.last_sequence::text, NEW.sequence::text)::bigint",
        ),
        "AUTO-NUMBER",
        Path.INSERT_MANY,
    ),
    Change(
        "ALTER TABLE public.teams DROP CONSTRAINT inv_t3__teams_slug_unique;"
        "CREATE UNIQUE INDEX inv_t3__teams_slug_unique ON public.teams (left(slug, 40));",
        "INV-T3",
        Path.INSERT,
        "overblocked",
    ),
    Change(
        rechecked(
            "usage",
            "inv_us1__usage_period_is_a_month",
            "period COLLATE \"C\" ~ '^[0-9]{4}-(0[1-9]|1[0-9])$'",
        ),
        "INV-US1",
        Path.INSERT,
    ),
    Change(
        rewritten(
            "tg_invitations__team_has_at_most_50_open",
            "i.expires_at > (SELECT clock_timestamp())",
            "i.expires_at::timestamp > (SELECT clock_timestamp()::timestamp)",
        ),
        "CARD-4",
        Path.UPDATE,
    ),
    Change(
        rechecked(
            "users", "inv_u5__users_credits_not_negative", "credits >= 0 OR avatar_url IS NOT NULL"
        ),
        "INV-U5",
        Path.INSERT,
    ),
    Change(
        retriggered(
            "public.api_keys",
            "_300_imm_1__api_keys_subject_is_fixed",
            "WHEN (",
            "WHEN (old.revoked_at IS NULL AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    Change(
        rewritten(
            "tg_jobs__starter_has_at_most_1_active",
            "SELECT count(*) > 1 FROM",
            "SELECT count(*) > 1 + (SELECT count(*) FROM public.jobs AS o"
            " WHERE o.triggered_by = NEW.triggered_by AND o.status = 'completed') FROM",
        ),
        "CARD-6",
        Path.INSERT,
    ),
    # What is a change still: in case alone, or of something that is only added.
    Change(
        retriggered(
            "public.invitations",
            "_300_imm_1__invitations_subject_is_fixed",
            "WHEN (",
            "WHEN (lower(old.email) <> lower(new.email) AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    Change(
        retriggered(
            "public.job_events",
            "_300_imm_1__job_events_are_fixed",
            "WHEN (",
            "WHEN (NOT (new.payload @> old.payload AND new.sequence = old.sequence"
            " AND new.event_type = old.event_type AND new.job_id = old.job_id) AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    *(Change(rechecked(*check), *found) for check, found in CHECKS.items()),
    *(Change(rewritten(*guard), *found) for guard, found in GUARDS.items()),
    Change(
        retriggered(
            "public.projects",
            "_300_imm_1__projects_subject_is_fixed",
            "WHEN (",
            "WHEN (old.status <> 'archived' AND ",
        ),
        "IMM-1",
        Path.UPDATE,
    ),
    Change(
        rewritten(
            "delete_old_webhook_deliveries",
            AGED,
            f"{AGED[:5]} o.job_id IS NULL AND {AGED[6:]}",
            "public",
        ),
        "RET-1",
        Path.INSERT,
    ),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.rule)
def test_an_exemption_is_found(change: Change, scratch: Scratch, template: Template) -> None:
    """An exemption of one kind of row, or of one past, is found by near misses."""
    expect_found(change, scratch, template)
