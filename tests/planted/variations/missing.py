"""Variations in which something is missing."""

from typing import Final

from tests.planted.variations.variation import (
    UNPROVEN,
    Variation,
    all_of,
    races,
)
from tests.support.rewriting import rewritten

MISSING: Final = (
    Variation(
        "a trigger calls a function that is missing",
        races("INV-J5", "CARD-6", "SEQ-1", "INV-T7", "INV-W4"),
        rewritten("tg_jobs__may_be_made", "BEGIN", "BEGIN\n    PERFORM framecast.no_such();"),
        verdicts=all_of(UNPROVEN, "INV-J5", "CARD-6", "SEQ-1", "SEQ-2", "AUTO-NUMBER"),
        names=all_of("framecast.no_such", "INV-J5", "CARD-6", "SEQ-1"),
    ),
    Variation(
        "what rejects is missing",
        races("INV-T7", "STATE-JOB", "INV-T3", "INV-U5", "INV-U1"),
        "DROP FUNCTION framecast.reject;",
        verdicts=all_of(UNPROVEN, "INV-T7", "STATE-JOB", "INV-T3", "CARD-2"),
        names=all_of("framecast.reject", "INV-T7", "STATE-JOB", "INV-T3"),
        lines=60,
    ),
    Variation(
        "what tells whether a key is valid is missing",
        races("INV-A4", "INV-A5", "INV-A3"),
        "DROP FUNCTION public.api_key_is_valid;",
        verdicts=all_of(UNPROVEN, "INV-A4", "INV-A5"),
        names=all_of("api_key_is_valid", "INV-A4", "INV-A5"),
    ),
    Variation(
        "a table is missing",
        f"{races('INV-SA1', 'INV-SA2', 'INV-AF2', 'INV-T7')} or inv_sa3__update",
        "DROP TABLE public.system_assets CASCADE;",
        verdicts=all_of(UNPROVEN, "INV-SA1", "INV-SA2", "INV-SA3"),
        names=all_of("system_assets", "INV-SA1", "INV-SA2", "INV-SA3"),
    ),
)
