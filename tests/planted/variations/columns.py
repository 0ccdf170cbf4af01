"""Columns that have other names, types or duties."""

from typing import Final

from tests.planted.variations.variation import (
    BROKEN,
    UNPROVEN,
    Variation,
    all_of,
    everything,
    on_table,
    races,
    writes,
)
from tests.support.rewriting import rewritten

NO_TEAM_CREDITS: Final = on_table("teams", "RENAME COLUMN credits TO balance")
REGION: Final = "ADD COLUMN region text NOT NULL"
NUMBERED: Final = ("SEQ-1", "RET-1", "INV-US4", "INV-US1")

COLUMNS: Final = (
    Variation(
        "a column has another name",
        everything("INV-T6", "CARD-6"),
        NO_TEAM_CREDITS,
        # A starter's jobs need no credits of a team: CARD-6 is tried without them, but for the
        # runs of operations.
        verdicts=all_of(UNPROVEN, "INV-T6", "CARD-6"),
        names=all_of("credits", "INV-T6", "CARD-6"),
        lines=80,
    ),
    Variation(
        "a column has another name, and a cap is one too high",
        races("INV-T6", "CARD-5"),
        NO_TEAM_CREDITS + rewritten("tg_jobs__may_be_made", "OFFSET 5", "OFFSET 6"),
        verdicts={"INV-T6": UNPROVEN, "CARD-5": BROKEN},
        lines=160,
    ),
    Variation(
        "jobs have a column more that must be given",
        f"{races('INV-J5', 'SEQ-1', 'STATE-JOB')} or {writes('INV-U5', 'INV-W4')}",
        on_table("jobs", REGION),
        # The last three by races alone, which are part of their proof too.
        verdicts=all_of(UNPROVEN, "INV-J5", "SEQ-1", "STATE-JOB", "SEQ-2", "DEL-1", "AUTO-NUMBER"),
        names=all_of("jobs.region", "INV-J5", "SEQ-1", "STATE-JOB"),
    ),
    Variation(
        "users have a column more that must be given",
        f"{races('INV-U5', 'INV-T3')} or {writes('INV-SA2', 'INV-US4')}",
        on_table("users", REGION),
        verdicts=all_of(UNPROVEN, "INV-U5", "INV-T3", "AUTO-SLUG"),
        names=all_of("users.region", "INV-U5", "INV-T3"),
    ),
    Variation(
        "lengths are those of types",
        writes("INV-T4", "INV-AF6", "INV-SA2")
        + " or test_column and (teams or users or asset_files or system_assets)",
        on_table(
            "teams",
            "DROP CONSTRAINT teams_name_1_to_100_characters",
            "ALTER name TYPE varchar(100)",
        )
        + on_table(
            "users",
            "DROP CONSTRAINT users_name_at_most_100_characters",
            "ALTER name TYPE varchar(100)",
        )
        + on_table(
            "asset_files",
            "DROP CONSTRAINT asset_files_s3_key_at_most_500_characters",
            "ALTER s3_key TYPE varchar(500)",
        )
        + on_table(
            "system_assets",
            "DROP CONSTRAINT system_assets_description_at_most_500_characters",
            "ALTER description TYPE varchar(500)",
        ),
    ),
    Variation(
        "types are wider",
        writes("INV-US2", "INV-US3", "INV-W4", "INV-SA2"),
        on_table("usage", "ALTER renders_count TYPE bigint", "ALTER credits_used TYPE numeric")
        + on_table("webhooks", "ALTER secret TYPE varchar", "ALTER secret SET DEFAULT 'none'")
        + on_table("system_assets", "ALTER duration_seconds TYPE numeric"),
    ),
    Variation(
        "whole numbers are written with decimals",
        f"{races('INV-T6')} or test_drawn and credits or test_run and CreditMachine",
        on_table("teams", "ALTER credits TYPE numeric(12, 2)")
        + on_table("users", "ALTER credits TYPE numeric(12, 2)")
        + on_table("asset_files", "ALTER size_bytes TYPE numeric(12, 2)")
        + on_table("usage", "ALTER credits_used TYPE numeric(12, 2)"),
    ),
    Variation(
        "ids are numbers",
        races(*NUMBERED, "INV-J9"),
        """
        ALTER TABLE public.job_events DROP COLUMN id, ADD COLUMN id bigserial PRIMARY KEY;
        DROP TRIGGER _300_imm_1__usage_subject_is_fixed ON public.usage;
        ALTER TABLE public.usage DROP COLUMN id,
            ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
        CREATE TRIGGER _300_imm_1__usage_subject_is_fixed
        BEFORE UPDATE OF id, owner, period ON public.usage
        FOR EACH ROW WHEN ((old.id, old.owner, old.period) IS DISTINCT FROM
            (new.id, new.owner, new.period))
        EXECUTE FUNCTION framecast.tg__reject('what a row is about never changes', 'make another');
        """,
        # The last three by races alone, which are part of their proof too.
        verdicts=all_of(UNPROVEN, *NUMBERED, "SEQ-2", "AUTO-NUMBER", "INV-US2"),
        names=all_of("bigint", *NUMBERED),
    ),
)
