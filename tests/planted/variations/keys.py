"""Keys and unique indexes that are declared in another way."""

from typing import Final

from tests.planted.variations.variation import (
    BROKEN,
    OVERBLOCKED,
    UNPROVEN,
    Variation,
    all_of,
    on_table,
    races,
    reindexed,
    writes,
)

KEYS: Final = (
    Variation(
        "a unique index is partial",
        "inv_a3__insert or inv_a3__update or inv_a2__insert",
        reindexed(
            "api_keys", "inv_a3__api_keys_hash_unique", "(key_hash) WHERE revoked_at IS NULL"
        ),
        verdicts={"INV-A3": BROKEN},
    ),
    Variation(
        "unique indexes are partial or of an expression, and say the same",
        races("INV-AF6", "INV-US4", "INV-US1", "INV-T3")
        + " or test_column and (asset_files or usage or teams or jobs)",
        reindexed(
            "asset_files", "inv_af6__asset_files_s3_key_unique", "(s3_key) WHERE s3_key <> ''"
        )
        + reindexed(
            "usage",
            "inv_us4__usage_one_row_per_owner_and_period",
            "(owner, period) WHERE period > ''",
        )
        + reindexed("teams", "inv_t3__teams_slug_unique", "(lower(slug))")
        + on_table("jobs", "DROP CONSTRAINT jobs_idempotency_key_used_once_by_user")
        + "CREATE UNIQUE INDEX ON public.jobs (triggered_by, idempotency_key)"
        " WHERE idempotency_key IS NOT NULL; CREATE INDEX ON public.jobs (triggered_by);",
    ),
    Variation(
        "a unique index is whole where it was partial",
        races("INV-J12", "INV-J11", "STATE-PROJECT"),
        "DROP INDEX public.inv_j12__jobs_one_active_per_project;"
        "CREATE UNIQUE INDEX inv_j12__jobs_one_active_per_project ON public.jobs (project_id);",
        verdicts={"INV-J12": OVERBLOCKED},
    ),
    Variation(
        "uniqueness is an exclusion, or asked at commit",
        races("INV-SA3", "INV-AF6"),
        on_table(
            "system_assets",
            "DROP CONSTRAINT inv_sa3__system_assets_s3_key_unique",
            "ADD CONSTRAINT inv_sa3__system_assets_s3_key_unique"
            " EXCLUDE USING btree (s3_key WITH =)",
        )
        + on_table(
            "asset_files",
            "DROP CONSTRAINT inv_af6__asset_files_s3_key_unique",
            "ADD CONSTRAINT inv_af6__asset_files_s3_key_unique"
            " UNIQUE (s3_key) DEFERRABLE INITIALLY DEFERRED",
        ),
    ),
    Variation(
        "keys are immediate",
        f"{writes('INV-M5', 'INV-M6', 'INV-U3', 'INV-T2')} or {races('INV-W1', 'INV-P2')}"
        " or test_column and memberships",
        on_table("memberships", "ALTER CONSTRAINT inv_m5__memberships_user_exists NOT DEFERRABLE")
        + on_table("memberships", "ALTER CONSTRAINT inv_m6__memberships_team_exists NOT DEFERRABLE")
        + on_table(
            "memberships", "ALTER CONSTRAINT inv_u3__memberships_user_is_creator NOT DEFERRABLE"
        ),
        # A transaction may bring a membership before its user and its team. What comes and goes in
        # one is committed by nobody, and may be refused at once.
        verdicts=all_of(OVERBLOCKED, "INV-M5", "INV-M6"),
    ),
    Variation(
        "a team's owner is asked at once",
        races("INV-T2", "INV-W1", "INV-P1"),
        """
        DROP TRIGGER _700_inv_t2__teams_has_an_owner ON public.teams;
        CREATE TRIGGER _700_inv_t2__teams_has_an_owner AFTER INSERT ON public.teams
        FOR EACH ROW EXECUTE FUNCTION framecast.tg__team_has_an_owner();
        """,
        # The last three by races alone, which are part of their proof too.
        verdicts={"INV-T2": OVERBLOCKED}
        | all_of(UNPROVEN, "INV-W1", "INV-P1", "INV-T1", "CARD-1", "PRIVACY-3"),
        names=all_of("inv_t2__teams_has_an_owner", "INV-T2", "INV-W1", "INV-P1"),
    ),
    Variation(
        "more keys are asked at commit",
        races("INV-P2", "INV-W1", "INV-AF5"),
        on_table(
            "projects",
            "ALTER CONSTRAINT inv_p2__projects_team_exists DEFERRABLE INITIALLY DEFERRED",
        )
        + on_table(
            "webhooks",
            "ALTER CONSTRAINT inv_w1__webhooks_team_exists DEFERRABLE INITIALLY DEFERRED",
        )
        + on_table(
            "asset_files",
            "ALTER CONSTRAINT inv_af5__asset_files_uploader_exists DEFERRABLE INITIALLY DEFERRED",
        ),
        # Nothing is refused in their name: ROLE-1 and ROLE-2 ask before COMMIT who is in the team.
        verdicts=all_of(UNPROVEN, "INV-P2", "INV-W1"),
        names={"INV-P2": "role_2__", "INV-W1": "role_1__"},
    ),
)
