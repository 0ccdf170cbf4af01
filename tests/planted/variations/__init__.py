"""Schemas as somebody else would have them: what must be said of each.

A variation names the rules that it touches with their verdicts, and what a message must name;
whatever else is tried on it must be held. `python -m tests.planted.variations` runs them whole.
"""

from typing import Final

from tests.planted.variations.checks import CHECKS
from tests.planted.variations.columns import COLUMNS
from tests.planted.variations.keys import KEYS
from tests.planted.variations.labels import LABELS
from tests.planted.variations.missing import MISSING
from tests.planted.variations.others import OTHERS
from tests.planted.variations.variation import Variation

__all__ = ["VARIATIONS", "Variation"]

VARIATIONS: Final = (*COLUMNS, *LABELS, *KEYS, *CHECKS, *MISSING, *OTHERS)
