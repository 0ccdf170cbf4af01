"""Verdicts of the last runs in a project, in `.conformance/verdicts.json`.

Each rule has the verdict of the last run that was about it, on the schema of the last run: a run on
another schema, or in other circumstances, begins anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.findings.store import OURS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.engine.findings.kept import Circumstances

FILE: Final = "verdicts.json"
VERSION = 1
DECIDES: Final = ("migrations", "domain", "role", "major")


def read(directory: Path) -> dict[str, str]:
    """Return the verdicts of a directory, or of the nearest above that has some; {} for none."""
    for each in (directory, *directory.parents):
        path = each / OURS / FILE
        if path.is_file():
            verdicts: dict[str, str] = _load(path).get("rules", {})
            return verdicts
    return {}


def write(folder: Path, run: Circumstances, verdicts: Mapping[str, str]) -> None:
    """Note the verdicts of a run in a folder, which is made.

    Raises:
        OSError: The folder cannot be written to.
    """
    path = folder / FILE
    before = _load(path)
    stands = {name: value for name, value in asdict(run).items() if name in DECIDES}
    known = before.get("rules", {}) if before.get("run") == stands else {}
    document = {"version": VERSION, "run": stands, "rules": {**known, **verdicts}}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is none yet, or it is no longer one
        return {}
    is_ours = isinstance(document, dict) and document.get("version") == VERSION
    return document if is_ours else {}
