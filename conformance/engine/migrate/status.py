"""Where a database stands: each file, what the record says of it, and what the folder does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.engine.deployment import migrations
from conformance.engine.deployment.dialect import undoes
from conformance.engine.deployment.record import Record
from conformance.engine.migrate.session import connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WRONG = ("edited", "missing", "out of order", "undone by")


@dataclass(frozen=True, slots=True)
class File:
    """One file.

    Attributes:
        name: the file's.
        state: `applied` or `pending`, or what is wrong: `edited`, `missing`, `out of order`, or
            `undone by`, of a file that undoes another and was applied.
        recorded: what the record says of it: `applied_at`, `applied_by`, `seconds`, `sha256`.
    """

    name: str
    state: str
    recorded: dict[str, Any]

    @property
    def wrong(self) -> bool:
        """Return whether `migrate` would refuse to go on."""
        return self.state in WRONG


def of(url: str, directory: Path, schema: str) -> list[File]:
    """Return every file of a folder and of the record, in the order of their names; reads only.

    Raises:
        MigrationError: the folder or the database cannot be read.
    """
    files = {file.name: file for file in migrations.load(directory)}
    with connected(url) as conn:
        conn.read_only = True
        with conn.transaction():
            rows = Record(schema).rows(conn)
    newest = max(rows, default="")
    found = []
    for name in sorted({*files, *rows}):
        row, file = rows.get(name, {}), files.get(name)
        if file is None:
            state = "undone by" if undoes(name) else "missing"
        elif not row:
            state = "out of order" if name < newest else "pending"
        else:
            state = "applied" if file.is_recorded_as(row["sha256"]) else "edited"
        found.append(File(name, state, row))
    return found


def lines(files: Sequence[File]) -> Iterator[str]:
    """Return it for people, a line each, and one that counts."""
    width = max(len(file.name) for file in files)
    for file in files:
        row = file.recorded
        parts = []
        if row:
            parts.append(str(row["applied_at"])[:19].replace("T", " "))
            parts += [f"by {row['applied_by']}"] if row.get("applied_by") else []
            took = row.get("seconds")
            parts += [f"{took:.2f} s"] if took is not None else ["not run, or not measured"]
        yield f"{file.name:<{width}}  {file.state:<12}  {', '.join(parts)}".rstrip()
    counts = {state: sum(file.state == state for file in files) for state in ("applied", "pending")}
    wrong = sum(file.wrong for file in files)
    more = f", {wrong} wrong" if wrong else ""
    yield f"status: {counts['applied']} applied, {counts['pending']} pending{more}"


def as_json(files: Sequence[File]) -> str:
    """Return it as JSON text."""
    shown = [{"name": file.name, "state": file.state, **file.recorded} for file in files]
    return json.dumps({"version": 1, "files": shown}, indent=2) + "\n"
