"""Results of the mutants that a project has tried, in `.conformance/mutants.json`, a kill matrix.

A run of some mutants adds to those of others on the same schema; on another one it begins anew.
That a mutant survives is known when all phases have tried it, and that it is killed by any; of one
that only some phases have tried, and did not kill, it is kept that this is not decided.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.arguments import OURS
from conformance.engine.deployment import migrations
from conformance.engine.domain import chosen
from conformance.engine.mutants.report import VERSION
from conformance.engine.report.forms.extras import UNDECIDED, UNTRIED

if TYPE_CHECKING:
    from conformance.engine.mutants.report import Report

FILE: Final = Path(OURS, "mutants.json")


def read(directory: Path, schema: Path) -> list[dict[str, Any]]:
    """Return what is known of a schema's mutants in a folder, or in the nearest above."""
    some = (each / FILE for each in (directory, *directory.parents))
    found = next((path for path in some if path.is_file()), None)
    return [] if found is None else _kept(found, _run(schema))


def add(directory: Path, schema: Path, report: Report) -> None:
    """Keep what became of some mutants of a schema; a folder that is read only keeps nothing."""
    run, today = _run(schema), datetime.now(UTC).date().isoformat()
    path = directory / FILE
    known = {each["id"]: each for each in _kept(path, run)}
    new = {}
    for name in report.mutants:
        status = report.status(name)
        if status != UNTRIED and (status != UNDECIDED or name not in known):
            new[name] = {**report.entry(name), "tried": today}
    document = {"version": VERSION, "run": run, "mutants": [*{**known, **new}.values()]}
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
        unfinished.replace(path)


def _kept(path: Path, run: dict[str, str]) -> list[dict[str, Any]]:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # none of ours
        document = json.loads(path.read_text(encoding="utf-8"))
        if (document["version"], document["run"]) == (VERSION, run):
            return list(document["mutants"])
    return []


def _run(schema: Path) -> dict[str, str]:
    domain = os.environ.get(chosen.VARIABLE) or ""
    return {"schema": migrations.digest(schema), "domain": domain}
