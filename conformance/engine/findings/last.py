"""Verdicts of the last runs in a project, in `.conformance/verdicts.json`.

Each rule has the verdict of the last run that was about it, on the schema of the last run: a run on
another schema, on files that were edited, or in other circumstances, begins anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from conformance.engine.arguments import OURS
from conformance.engine.cases.verdicts import NOT_RUN
from conformance.engine.deployment import migrations
from conformance.engine.domain import chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.engine.findings.kept import Circumstances

FILE: Final = "verdicts.json"
VERSION = 2
NONE: Final = "no run has left its verdicts here"
DECIDES: Final = ("migrations", "domain", "role", "major")


class Last(NamedTuple):
    """Verdicts of the last runs, or why there are none that say anything today."""

    verdicts: dict[str, str]
    why: str = ""


def read(directory: Path) -> Last:
    """Return the verdicts of a directory, or of the nearest above that has some."""
    for each in (directory, *directory.parents):
        path = each / OURS / FILE
        if path.is_file():
            document = _load(path)
            why = _changed(document.get("run", {}))
            return Last({} if why else document.get("rules", {}), why)
    return Last({}, NONE)


def _changed(run: Mapping[str, Any]) -> str:
    """Return why verdicts of a run say nothing today, or ''."""
    if run.get("domain", "") != (os.environ.get(chosen.VARIABLE) or ""):
        named = f"{chosen.OPTION} {run['domain']}" if run["domain"] else f"no {chosen.OPTION}"
        return f"the last run here was of another domain, with {named}"
    folder = run.get("migrations", "")
    if run.get("schema", "") != migrations.digest(Path(folder)):
        return f"{folder} has changed since the last run"
    return ""


def write(folder: Path, run: Circumstances, verdicts: Mapping[str, str]) -> None:
    """Note the verdicts of a run in a folder, which is made; a run that tried no rule has none.

    Raises:
        OSError: The folder cannot be written to.
    """
    if {*verdicts.values()} <= {NOT_RUN}:
        return
    path = folder / FILE
    before = _load(path)
    stands = {name: value for name, value in asdict(run).items() if name in DECIDES}
    stands["schema"] = migrations.digest(Path(run.migrations))
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
