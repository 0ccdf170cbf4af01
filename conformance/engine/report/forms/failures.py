"""Failures of a rule on its page: once each, however many ways lead there, and how to see them."""

from __future__ import annotations

import shlex
from itertools import takewhile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.cases.verdicts import SEVERAL, shown_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.report.document import Document

SAME: Final = ("verdict", "expected", "observed", "accepted")  # what makes two failures one
PHASES: Final = ("setup", "call", "teardown", "crash", "collection", "skipped")
# What stands in a report for the way that was tried, where that is no write.
IN_WORDS: Final = {
    "life": "a run of a state machine",
    "race": "a race of sessions",
    "raid": "a hostile run",
    "column": "a column",
    "regression": "what failed before",
    "right": "a right of the role",
    **dict.fromkeys(PHASES, "a part of its proof that could not run"),
}
NEARLY: Final = 1.5  # times as long as the shortest script is short, too


def causes(failures: Sequence[dict[str, Any]], document: Document) -> list[dict[str, Any]]:
    """Return failures by what was expected and observed, each with the ways that lead to it.

    The first way is one whose script is short; `again` has the words of the command that runs it.
    """
    groups: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for each in failures:
        groups.setdefault(tuple(each.get(name) for name in SAME), []).append(way(each, document))
    return [{**group[0], "ways": _short_first(group)} for group in groups.values()]


def way(failure: dict[str, Any], document: Document) -> dict[str, Any]:
    """Return a failure with its script in parts, and the words of the command that runs it."""
    return {
        **failure,
        "path": IN_WORDS.get(failure["path"], failure["path"]),
        **_parts(failure["script"].rstrip(), failure.get("timeline")),
        "shown_by": shown_by(failure["script"]),
        "again": _again(failure, document),
    }


def _parts(script: str, timeline: dict[str, Any] | None) -> dict[str, Any]:
    """Return a script, and before it what several sessions did, as far as no timeline draws it."""
    lines = script.splitlines() if script.startswith(SEVERAL) else []
    told = [*takewhile(lambda line: line.startswith("--"), lines)]
    script = "\n".join(lines[len(told) :]) if told else script
    if timeline:
        told = [*takewhile(lambda line: timeline["sessions"][0] not in line, told)]
    return {"told": "\n".join(told), "script": script, "timeline": timeline}


def _short_first(group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    enough = min(len(each["script"]) for each in group) * NEARLY
    first = next(each for each in group if len(each["script"]) <= enough)
    return [first, *(each for each in group if each is not first)]


def _again(failure: dict[str, Any], document: Document) -> list[str]:
    """Return the words of a command that works wherever the suite is installed."""
    test = failure["test"].rpartition("::")[2]
    words = ["framecast-conformance", "test", "-k", test]
    folder = _folder(document)
    if folder not in {"", "migrations"}:
        words += ["--migrations", folder]
    words += document.get("options", ())
    if document.get("role"):
        words += ["--role", document["role"]]
    if document.get("profile", "default") != "default":
        words += ["--hypothesis-profile", document["profile"]]
    if "seed" in document:
        words.append(f"--hypothesis-seed={document['seed']}")
    return [shlex.quote(word) for word in words]


def _folder(document: Document) -> str:
    """Return the folder of the migrations, as the run was given it; '' where nothing says."""
    places = (place for rule in document["rules"] for place in rule.get("places", {}).values())
    return next((str(PurePosixPath(place["file"]).parent) for place in places), "")
