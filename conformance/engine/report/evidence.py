"""Evidence of a rule in a report, and what of it a later report has no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.engine.report.document import Document

NAMED: Final = 4  # of one kind; of more, their number is told
COUNTED: Final = ("accepted", "rejected", "denied", "withheld")


def lost(rule: Mapping[str, Any], later: Mapping[str, Any], old: Document, new: Document) -> str:
    """Return what was seen of a rule in a report, and is not in a later one; '' where all is."""
    before, after = evidence(rule, old), evidence(later, new)
    gone = (
        (kind, [each for each in some if each not in after[kind]]) for kind, some in before.items()
    )
    return "; ".join(_told(kind, names) for kind, names in gone if names)


def evidence(rule: Mapping[str, Any], document: Document) -> dict[str, list[str]]:
    """Return the names of what was seen of a rule, by kinds."""
    known, races = document.get("races", {}), rule.get("races", ())
    return {
        "write path": _some(rule.get("paths", {})),
        "level of isolation in races": [
            level for level, counts in rule.get("levels", {}).items() if any(counts.values())
        ],
        "known race": list(races),
        "known race by turns": [name for name in races if "timeline" in known.get(name, ())],
        "writer": _some({"the application's role": rule.get("as_role", {})}),
    }


def _some(paths: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [name for name, seen in paths.items() if any(seen.get(each) for each in COUNTED)]


def _told(kind: str, names: Iterable[str]) -> str:
    some = list(names)
    kinds = kind if len(some) == 1 else kind.replace("path", "paths").replace("level", "levels")
    kinds = kinds if len(some) == 1 else kinds.replace("known race", "known races")
    return f"{kinds}: {', '.join(some)}" if len(some) <= NAMED else f"{len(some)} {kinds}"
