"""Answers to a user of the application whose write was refused, by migrations/rules.json."""

import json
from pathlib import Path
from typing import Any, Final

LISTED: Final[dict[str, Any]] = json.loads(Path("migrations/rules.json").read_text())


def answer(sqlstate: str | None, constraint: str | None) -> tuple[str, str]:
    """Return whether to mend it, to try later or to report a bug; and a hint to show."""
    named = LISTED["constraints"].get(constraint)
    if named is not None:
        return named["answer"], named["hint"]
    return LISTED["sqlstates"].get(sqlstate, "bug"), ""
