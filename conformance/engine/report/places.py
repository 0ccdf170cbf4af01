"""Places in the migrations where what enforces a rule is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.engine.deployment.migration import Migration
    from conformance.engine.report.form import Place

BEFORE = 200  # characters that may stand between DROP and a name
# What stands before a name that goes; where it comes back, it is there.
DROPPED = re.compile(r"\bdrop\s+\w+\s+(?:if\s+exists\s+)?(?:\w+\.)?\Z", re.IGNORECASE)
COMMENT = re.compile(r"--[^\n]*")


class Places:
    """Files of a folder, and where in them names are written last: a later file replaces."""

    def __init__(self, folder: str, files: Iterable[Migration]) -> None:
        """Read files.

        Args:
            folder: as places are to name it, relative where the report goes with a checkout.
            files: in the order in which they are applied.
        """
        self._texts = {
            f"{folder}/{each.name}": COMMENT.sub(lambda found: " " * len(found[0]), each.sql)
            for each in files
        }

    def of(self, names: Iterable[str]) -> Mapping[str, Place]:
        """Return the place of each name that is written somewhere.

        A name of a rejection is a constraint's, an index's or a trigger's; `type …`, `function …`,
        `trigger table.name` and `key …` are told by their last word.
        """
        found = {}
        for name in names:
            place = self._find(name.rpartition(" ")[2].rpartition(".")[2])
            if place is not None:
                found[name] = place
        return found

    def _find(self, word: str) -> Place | None:
        exact = re.compile(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9_])")
        for file, text in reversed(self._texts.items()):
            near = text.find(word)  # far sooner than the expression says that there is none
            every = list(exact.finditer(text, near)) if near >= 0 else []
            made = [at for at in every if not _is_dropped(text, at.start())]
            for at in (made or every)[:1]:
                return {"file": file, "line": text.count("\n", 0, at.start()) + 1}
        return None


def _is_dropped(text: str, at: int) -> bool:
    return DROPPED.search(text, max(at - BEFORE, 0), at) is not None
