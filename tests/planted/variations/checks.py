"""Checks under other names, weaker, stricter, or gone."""

from typing import Final

from tests.planted.variations.variation import (
    BROKEN,
    UNNAMED,
    UNPROVEN,
    Variation,
    all_of,
    on_table,
    rechecked,
    renamed,
    writes,
)
from tests.support.rewriting import rewritten

CHECKS: Final = (
    Variation(
        "checks have names that are no rule's",
        writes("INV-SA2", "INV-U5", "INV-J8", "INV-US1"),
        renamed("system_assets", "inv_sa2__system_assets_id_names_category", "check1")
        + renamed("users", "inv_u5__users_credits_not_negative", "users_credits_check")
        + renamed("jobs", "inv_j8__jobs_refund_within_charge", "Refund <= charge"),
        verdicts=all_of(UNNAMED, "INV-SA2", "INV-U5", "INV-J8"),
        names={
            "INV-SA2": "check1",
            "INV-U5": "users_credits_check",
            "INV-J8": "Refund <= charge",
        },
    ),
    Variation(
        "names have to be quoted",
        writes("INV-U5", "INV-AF6"),
        renamed("users", "inv_u5__users_credits_not_negative", 'inv_u5__Users\' ""credits"" ≥ 0 %s')
        + renamed("asset_files", "inv_af6__asset_files_s3_key_unique", "inv_af6__one {key}"),
    ),
    Variation(
        "checks have other names, and are weaker",
        writes("INV-U5", "INV-AF3", "INV-US1", "INV-WD4", "INV-U6"),
        rechecked("users", "inv_u5__users_credits_not_negative", "check1", "credits >= -1")
        + rechecked(
            "asset_files",
            "inv_af3__asset_files_size_at_most_50_mib",
            "check2",
            "size_bytes <= 50 * 1024 * 1024 + 1",
        )
        + rechecked(
            "usage",
            "inv_us1__usage_period_is_a_month",
            "check3",
            "period ~ '^[0-9]{4}-[0-9]{2}$'",
        )
        + rechecked(
            "webhook_deliveries",
            "inv_wd4__webhook_deliveries_delivered_has_time",
            "check4",
            "status <> 'delivered' OR delivered_at IS NOT NULL OR next_retry_at IS NULL",
        ),
        verdicts=all_of(BROKEN, "INV-U5", "INV-AF3", "INV-US1", "INV-WD4"),
        lines=240,  # seven causes, each with its script
    ),
    Variation(
        "a check has another name, and is too strict",
        writes("INV-U6", "INV-I6"),
        rechecked(
            "users",
            "inv_u6__users_ephemeral_storage_not_negative",
            "check1",
            "ephemeral_storage_bytes > 0",
        ),
        # Whose check that is, nobody can tell: it refuses what INV-U6 allows, and what it forbids.
        # Only examples with more than no bytes come so far as to be forbidden.
        verdicts={"INV-U6": UNNAMED, "INV-I6": UNPROVEN},
        profile="default",
        names=all_of("check1", "INV-U6", "INV-I6"),
    ),
    Variation(
        "checks are gone",
        writes("INV-U1", "INV-W4", "INV-W2"),
        on_table("users", "DROP CONSTRAINT inv_u1__users_creator_iff_upgraded")
        + on_table("webhooks", "DROP CONSTRAINT inv_w4__webhooks_url_is_https_with_host"),
        verdicts=all_of(BROKEN, "INV-U1", "INV-W4"),
    ),
    Variation(
        "no constraint is named after a rule",
        writes("INV-U1", "INV-T3", "INV-J5", "CARD-5", "INV-U4", "INV-W1", "URN-1"),
        r"""
        DO $$
        DECLARE v record;
        BEGIN
            FOR v IN
                SELECT conname, CASE WHEN conrelid <> 0 THEN 'TABLE ' || conrelid::regclass
                    ELSE 'DOMAIN ' || contypid::regtype END AS place
                FROM pg_constraint
                WHERE connamespace::regnamespace::text IN ('public', 'framecast')
                    AND conname LIKE '%\_\_%' AND contype <> 't'
            LOOP
                EXECUTE format(
                    'ALTER %s RENAME CONSTRAINT %I TO %I',
                    v.place, v.conname, regexp_replace(v.conname, '^.*__', '')
                );
            END LOOP;
        END;
        $$;
        ALTER INDEX public.inv_j12__jobs_one_active_per_project RENAME TO one_active_per_project;
        """
        + rewritten("reject", "CONSTRAINT = p_rule,", ""),
        verdicts=all_of(UNNAMED, "INV-U1", "INV-T3", "INV-J5", "CARD-5", "INV-W1", "URN-1"),
        others=UNNAMED,
        lines=500,  # the form of owners is a constraint of each of four tables
    ),
)
