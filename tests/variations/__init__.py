"""Schemas as somebody else would have them: what must be said of each.

A variation names the rules that it touches with their verdicts, and what a message must name;
whatever else is tried on it must be held. `python -m tests.variations` runs them whole.
"""

from typing import Final

from tests.variations.checks import CHECKS
from tests.variations.columns import COLUMNS
from tests.variations.keys import KEYS
from tests.variations.labels import LABELS
from tests.variations.missing import MISSING
from tests.variations.others import OTHERS
from tests.variations.variation import Variation

__all__ = ["VARIATIONS", "Variation"]

VARIATIONS: Final = (*COLUMNS, *LABELS, *KEYS, *CHECKS, *MISSING, *OTHERS)
