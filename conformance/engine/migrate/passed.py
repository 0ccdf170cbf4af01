"""The gate's report, as a pass: what it has let through, and nothing else, may be run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.engine.deployment.migration import Migration, MigrationError

AGAIN = "run the gate again, with --json"


def refuse(report: Path, known: Mapping[str, str], todo: Sequence[Migration]) -> None:
    """Refuse what is not what the gate has let pass.

    Args:
        report: what `gate --json` wrote.
        known: the SHA-256 of each applied file by its name, as the database's record has them.
        todo: the files to run.

    Raises:
        MigrationError: there is no such report, it is closed, or of other files.
    """
    document = _read(report)
    if document.get("holds") is not True:
        message = f"the gate is closed: {report} names its findings: mend them, and {AGAIN}"
        raise MigrationError(message)
    files = document.get("files")
    if not isinstance(files, dict) or files.get("applied") != dict(known):
        message = f"{report} is of a database with other files applied: {AGAIN}"
        raise MigrationError(message)
    let: Mapping[str, str] = files.get("pending", {})
    for file in todo:
        if let.get(file.name) != file.sha256:
            what = "was changed since" if file.name in let else "was not asked about"
            message = f"{file.path}: {what}, so the gate has not let it pass: {AGAIN}"
            raise MigrationError(message)


def _read(report: Path) -> dict[str, Any]:
    try:
        document = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{report}: is no report of the gate ({type(error).__name__}): {AGAIN}"
        raise MigrationError(message) from error
    return document if isinstance(document, dict) else {}
