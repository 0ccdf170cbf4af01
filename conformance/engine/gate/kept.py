"""Verdicts that are kept from one run of the gate to the next."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import conformance
from conformance.engine.deployment import outside
from conformance.engine.deployment.tokens import COMMENTS, tokens
from conformance.engine.domain.chosen import domain_folders
from conformance.engine.gate.result import Result
from conformance.engine.postgres import folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.result import Run

SUITE: Final = Path(conformance.__file__).parent
LOOKERS_ON: Final = ("audit", "gate")  # parts of the package that decide no verdict


def known(files: Sequence[Migration], how: Run) -> Result | None:
    """Return what the cache has of a schema, if anything."""
    try:
        cached = cache() / f"verdicts-{_key(files, how)}.json"
        return Result(**json.loads(cached.read_text()))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, TypeError):  # of another version
        cached.unlink()
    except OSError:  # no cache to write to
        pass
    return None


def cache() -> Path:
    """Return the folder in which verdicts are kept; raises OSError where there can be none."""
    return folders.cache()


def keep(files: Sequence[Migration], how: Run, result: Result) -> None:
    """Keep what the suite says of a schema, unless a machine was too busy to tell all."""
    if result.slow or result.is_cut:
        return
    try:
        cached = cache() / f"verdicts-{_key(files, how)}.json"
    except OSError:  # no cache to write to
        return
    with tempfile.NamedTemporaryFile("w", dir=cached.parent, delete=False) as new:
        new.write(json.dumps(dataclasses.asdict(result)))
    Path(new.name).replace(cached)


def _key(files: Sequence[Migration], how: Run) -> str:
    asked = (how.version, how.profile, how.role, how.rules, how.alone, sorted(how.further))
    key = hashlib.sha256(repr(asked).encode())
    for file in files:  # by what they do: a comment makes no other schema
        said = [each.text for each in tokens(file.sql) if each.name not in COMMENTS]
        key.update(f"{outside.says_so(file)} {said}\n".encode())
    for package in (SUITE, *domain_folders()):
        for path in sorted((*package.rglob("*.py"), *package.rglob("*.json"))):
            if path.relative_to(package).parts[0] not in LOOKERS_ON:
                key.update(path.read_bytes())
    return key.hexdigest()[:24]
