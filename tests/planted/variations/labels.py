"""Types that have other labels."""

from typing import Final

from strategies.enums import ENUMS
from tests.planted.variations.variation import (
    BROKEN,
    OVERBLOCKED,
    UNNAMED,
    UNPROVEN,
    Variation,
    all_of,
    writes,
)

RULE_OF: Final = {
    "user_tier": "INV-U4",
    "membership_role": "INV-M2",
    "invitation_role": "INV-I2",
    "project_status": "INV-P1",
    "job_status": "INV-J1",
    "asset_status": "INV-AF1",
    "webhook_delivery_status": "INV-WD1",
    "system_asset_category": "INV-SA1",
    "webhook_event_type": "INV-W3",
}
"""enum type -> the rule that lists its labels; of the others no rule speaks."""

GUEST: Final = "guest"
RULES: Final = tuple(RULE_OF.values())
# No row begins in a state that nobody knows, and none moves there: another rule says so.
OUT_OF_REACH: Final = ("INV-P1", "INV-J1", "INV-WD1")
REACHED: Final = tuple(rule for rule in RULES if rule not in OUT_OF_REACH)


def relabelled(*enums: str, refused: tuple[str, ...] = ()) -> Variation:
    """Return a schema in which the last label of some types has another name.

    Args:
        enums: the types.
        refused: those whose other name nothing can bear: the old one is refused, and that is all.
    """
    rules = {RULE_OF[enum]: OVERBLOCKED if enum in refused else BROKEN for enum in enums}
    return Variation(
        f"a label of {', '.join(enums)} has another name",
        writes(*rules, "INV-US4"),
        "".join(
            f"ALTER TYPE public.{enum} RENAME VALUE '{ENUMS[enum][-1]}' TO '{GUEST}';\n"
            for enum in enums
        ),
        verdicts=rules,
        names={RULE_OF[enum]: ENUMS[enum][-1] if enum in refused else GUEST for enum in enums},
        lines=100 * (1 + len(enums)),
    )


LABELS: Final = (
    Variation(
        "every type has a label more",
        f"{writes(*RULES, 'INV-U1')} or test_column and labels",
        "".join(f"ALTER TYPE public.{enum} ADD VALUE '{GUEST}';\n" for enum in ENUMS),
        verdicts=all_of(BROKEN, *REACHED) | all_of(UNNAMED, *OUT_OF_REACH),
        names=all_of(GUEST, *REACHED),
        lines=800,  # of 27 causes
    ),
    relabelled("user_tier", refused=("user_tier",)),
    relabelled("membership_role", "project_status", "job_status", refused=("job_status",)),
    relabelled(
        *("invitation_role", "asset_status", "webhook_delivery_status"),
        *("system_asset_category", "webhook_event_type"),
    ),
    Variation(
        "types have a label less",
        f"{writes('INV-SA1', 'INV-W3', 'INV-M2', 'INV-U5')} or inv_sa3__insert_many"
        " or inv_sa2__insert_many",
        edits=(
            ("'music', 'transition')", "'music')"),
            (", 'job.failed', 'job.canceled'", ", 'job.failed'"),
            ("ENUM ('owner', 'admin', 'member', 'viewer')", "ENUM ('owner', 'admin', 'member')"),
            ("'owner admin member viewer'", "'owner admin member'"),
        ),
        # A sound of each category is what INV-SA3 begins with. INV-SA2 is not to blame where the
        # type refuses, for want of a label, what it was to refuse itself.
        verdicts=all_of(OVERBLOCKED, "INV-SA1", "INV-W3", "INV-M2")
        | all_of(UNPROVEN, "INV-SA3", "INV-SA2"),
        names=all_of("type system_asset_category", "INV-SA3", "INV-SA2"),
    ),
)
