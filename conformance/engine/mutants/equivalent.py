"""Mutants that change nothing anybody could observe, each with a reason that a reader can check.

The record is `equivalent.toml`: a list of `[[equivalent]]`, each with `mutants` (ids, in which `*`
stands for any text) and `reason`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import domain
from conformance.engine.mutants.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RECORD = "equivalent.toml"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Patterns of ids, and why what they name changes nothing."""

    mutants: tuple[str, ...]
    reason: str


def read(path: Path | None = None) -> list[Equivalent]:
    """Read a record; without a path the domain's own, which it need not have.

    Raises:
        RecordError: It is none.
    """
    path = path or domain().record(RECORD)
    if path is None:
        return []
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return [
            Equivalent(tuple(entry["mutants"]), entry["reason"])
            for entry in document.get("equivalent", [])
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        message = f"{path.name} cannot be read: {error}"
        raise RecordError(message) from None


def reasons(records: Iterable[Equivalent], ids: Iterable[str]) -> dict[str, str]:
    """Return the reason for each id that is recorded.

    Raises:
        RecordError: A pattern matches no id, or two match the same.
    """
    known = list(ids)
    found: dict[str, str] = {}
    for record in records:
        for pattern in record.mutants:
            matched = [each for each in known if fnmatchcase(each, pattern)]
            if not matched:
                message = f"recorded as equivalent, but there is no such mutant: {pattern}"
                raise RecordError(message)
            twice = [each for each in matched if each in found]
            if twice:
                message = f"recorded as equivalent twice: {twice[0]}"
                raise RecordError(message)
            found.update(dict.fromkeys(matched, record.reason))
    return found
