"""Patterns in the place of equality, and times that are nearly right, are found under any seed."""

from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Path
from tests.support.engineering import Change, Refused, expect_found, expect_refused, findings
from tests.support.rewriting import rechecked, retriggered, rewritten

KEY: Final = "framecast.email_key"
RECASED: Final = f"({KEY}(old.email) <> {KEY}(new.email))"
UPDATED: Final = "greatest(now(), OLD.updated_at)"
OLDER: Final = "o.created_at < now()"


def has(condition: str) -> str:
    """Return SQL that tells by a condition which permission a role has."""
    return (
        "CREATE OR REPLACE FUNCTION public.role_has_permission("
        "p_role public.membership_role, p_permission text) RETURNS boolean"
        " LANGUAGE sql STABLE PARALLEL SAFE RETURN EXISTS (SELECT FROM public.role_permissions"
        f" AS rp WHERE rp.role = p_role AND ({condition}))"
    )


# What an engineer writes -> the change, a rule, and a path that finds it.
BROKEN: Final = {
    **{
        f"a permission by {name}": (has(condition), "PERM-1", Path.INSERT)
        for name, condition in {
            "what it is like": "p_permission LIKE rp.permission",
            "what is like it": "rp.permission LIKE p_permission",
            "an expression": "p_permission ~ ('^' || rp.permission || '$')",
            "its area": "p_permission IN (rp.permission, split_part(rp.permission, '.', 1)"
            " || '.*')",
        }.items()
    },
    "an inviter's new address is like the old one": (
        retriggered(
            "public.users",
            "_300_inv_i7__users_email_not_invited_by_itself",
            RECASED,
            "(old.email !~~* new.email)",
        ),
        "INV-I7",
        Path.UPDATE,
    ),
    "a member's old address is like the new one": (
        retriggered(
            "public.users",
            "_700_inv_i8__users_email_not_invited_to_own_team",
            RECASED,
            "(new.email !~~* old.email)",
        ),
        "INV-I8",
        Path.UPDATE,
    ),
    "a key whose owner names its user somewhere": (
        rechecked(
            "api_keys",
            "inv_x4__api_keys_member_urn_names_its_user",
            "revoked_at IS NOT NULL OR NOT framecast.urn_is_member(owner)"
            " OR position(user_id::text in owner) > 0",
        ),
        "INV-X4",
        Path.INSERT,
    ),
    "a picture by its usual name": (
        rechecked(
            "asset_files",
            "inv_af4__asset_files_content_type_known",
            "content_type ~ '^(image/(jpe?g|png|webp)|audio/(mpeg|wav|ogg)|video/mp4)$'",
        ),
        "INV-AF4",
        Path.INSERT,
    ),
    "an invitation of the last minute": (
        rewritten(
            "tg_invitations__team_has_at_most_50_open",
            "clock_timestamp()",
            "clock_timestamp() + interval '1 minute'",
        ),
        "CARD-4",
        Path.INSERT_MANY,
    ),
    "an invitation that ends within a minute": (
        rewritten(
            "tg__no_open_invitation_for_member",
            "i.expires_at > (SELECT clock_timestamp())",
            "i.expires_at - interval '1 minute' > (SELECT clock_timestamp())",
        ),
        "INV-I8",
        Path.INSERT,
    ),
    "a job that ends by the clock on the wall": (
        rewritten(
            "tg_jobs__set_times",
            "greatest(now(), NEW.created_at",
            "greatest(localtimestamp, NEW.created_at",
        ),
        "AUTO-TIMES",
        Path.UPDATE,
    ),
    "one clean-up of all waits for another": (
        rewritten(
            "delete_old_job_events",
            "\nBEGIN\n",
            "\nBEGIN\n    IF p_limit IS NULL THEN PERFORM pg_advisory_xact_lock(42); END IF;\n",
            "public",
        ),
        "RET-1",
        Path.OTHER,
    ),
    "a hundred at once, whatever is told": (
        rewritten(
            "delete_old_job_events",
            "LIMIT greatest(coalesce(p_limit, 10000), 0)",
            "LIMIT greatest(CASE WHEN p_limit > 100 THEN 100 ELSE coalesce(p_limit, 10000) END, 0)",
            "public",
        ),
        "RET-1",
        Path.INSERT_MANY,
    ),
    "what is as old as it may be": (
        rewritten("delete_old_job_events", OLDER, OLDER.replace("<", "<="), "public"),
        "RET-1",
        Path.DELETE,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_nearly_right_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what is taken for something else, whichever seed draws."""
    expect_found(Change(*BROKEN[name]), scratch, template)


# What is refused -> the change, the rule that is tried, and who is named.
REFUSED: Final = {
    "an address with as long a beginning": Refused(
        rewritten(
            "tg_invitations__not_to_inviter",
            f'{KEY}(u.email) COLLATE "C" = {KEY}(NEW.email)',
            "left(lower(u.email), 64) = left(lower(NEW.email), 64)",
        ),
        "INV-I7",
        Path.INSERT,
        "INV-I7",
    ),
    "the ninth team that nobody is in after an erasure": Refused(
        rewritten(
            "erase_user",
            "WHERE t.id = ANY(v_team_ids)\n        AND NOT EXISTS (SELECT FROM public.memberships",
            "WHERE t.id = ANY(v_team_ids[1:8])\n"
            "        AND NOT EXISTS (SELECT FROM public.memberships",
            "public",
        ),
        "PRIVACY-3",
        Path.UPDATE,
        "PRIVACY-3",
    ),
    "an end of what begins later": Refused(
        rewritten(
            "tg_jobs__set_times",
            "greatest(now(), NEW.created_at, NEW.started_at)",
            "greatest(now(), NEW.created_at)",
        ),
        "AUTO-TIMES",
        Path.UPDATE,
        "AUTO-TIMES",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_found(name: str, scratch: Scratch, template: Template) -> None:
    """The near misses of a rule find what is legal and is refused."""
    expect_refused(REFUSED[name], scratch, template)


# What is right too -> the change, a rule, and the path that asks for it.
RIGHT: Final = {
    "rows are old by the clock": (
        rewritten(
            "delete_old_job_events", OLDER, OLDER.replace("now()", "clock_timestamp()"), "public"
        ),
        "RET-1",
        Path.DELETE,
    ),
    "rows are updated by the clock": (
        rewritten("tg__set_updated_at", UPDATED, UPDATED.replace("now()", "clock_timestamp()")),
        "AUTO-UPDATED",
        Path.UPDATE,
    ),
    "rows are updated when a transaction began": (
        rewritten("tg__set_updated_at", UPDATED, "now()"),
        "AUTO-UPDATED",
        Path.UPDATE,
    ),
    "jobs end by the clock": (
        rewritten("tg_jobs__set_times", "greatest(now()", "greatest(clock_timestamp()"),
        "AUTO-TIMES",
        Path.UPDATE,
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_too_is_held(name: str, scratch: Scratch, template: Template) -> None:
    """A rule that says nothing of a transaction's time takes the clock's as well."""
    found = findings(Change(*RIGHT[name]), scratch, template, is_alone=True)

    assert [None] * len(found) == found
