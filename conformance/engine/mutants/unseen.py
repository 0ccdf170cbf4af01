"""Survivors that are known, and are to be mended: what the suite does not see yet.

The record is `open.toml`: a list of `[[open]]`, each with `class` (of what engineers write),
`mended_by` (what will see them) and `mutants` (ids). It is to become empty.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import domain
from conformance.engine.mutants.errors import RecordError
from conformance.engine.mutants.habits import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from conformance.engine.mutants.mutant import Mutant

RECORD = "open.toml"
NODES = "a changed node"  # of a tree, which is of no class of what people write


@dataclass(frozen=True, slots=True)
class Unseen:
    """A survivor that is known: its class, and what will see it; no class, where a node changed."""

    habit: str
    mended_by: str


def read(path: Path | None = None) -> dict[str, Unseen]:
    """Return a record, by the ids of mutants; without a path the domain's own, if it has one.

    Raises:
        RecordError: It is none, names a mutant twice, or a class that there is not.
    """
    found: dict[str, Unseen] = {}
    path = path or domain().record(RECORD)
    if path is None:
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for entry in document.get("open", []):
            for name in entry["mutants"]:
                if name in found:
                    message = f"{path.name} names {name} twice"
                    raise RecordError(message)
                found[name] = Unseen(entry.get("class", ""), entry["mended_by"])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        message = f"{path.name} cannot be read: {error}"
        raise RecordError(message) from None
    unknown = {each.habit for each in found.values()} - {*CLASSES, ""}
    if unknown:
        message = f"{path.name} names a class that there is not: {unknown.pop()}"
        raise RecordError(message)
    return found


def check(record: Mapping[str, Unseen], mutants: Iterable[Mutant]) -> None:
    """Check that a record names mutants that there are, each under its class.

    Raises:
        RecordError: One is not generated any more, or is of another class.
    """
    known = {mutant.id: mutant for mutant in mutants}
    gone = [name for name in record if name not in known]
    if gone:
        message = f"open.toml names what is no mutant any more: remove {', '.join(gone)}"
        raise RecordError(message)
    for name, unseen in record.items():
        habit = known[name].habit
        if habit != unseen.habit:
            message = f"open.toml has {name} under {unseen.habit!r}, and it is of {habit!r}"
            raise RecordError(message)


def lines(record: Iterable[Unseen]) -> Iterator[str]:
    """Return how many are open, by class and by what will see them."""
    counts = Counter(record)
    yield f"open: {counts.total()}, must become none" if counts else "open: none"
    for each, count in sorted(counts.items(), key=lambda item: (-item[1], item[0].habit)):
        yield f"  {count:>4} {each.habit or NODES} (to be seen by: {each.mended_by})"
