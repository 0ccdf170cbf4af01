"""All mutants of a schema, kept in the cache: making them takes ten seconds, which mostly repeat.

What they are follows from the schema, as its database describes itself, and from the code: a change
of either has a name of its own in the cache.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import conformance
from conformance.engine.catalogue import schema
from conformance.engine.domain.chosen import RULES, domain_folders
from conformance.engine.mutants import generate
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.postgres import folders
from conformance.engine.progress import unheard

if TYPE_CHECKING:
    import psycopg

    from conformance.engine.progress import Say

KEPT = 8  # schemas: a branch, its base, and other domains
PREFIX = "mutants-"


def mutants(connection: psycopg.Connection[Any], say: Say = unheard) -> list[Mutant]:
    """Return all mutants of a database's schema, by their ids; `say` hears what is made."""
    found = schema.read(connection)
    file = _file(f"{found}".replace(connection.info.dbname, ""))  # of which each run has its own
    if file is None:
        return generate.mutants(found, say)
    # Not there yet, or cut off: made anew.
    with suppress(OSError, EOFError, ValueError, TypeError, zlib.error):
        kept = json.loads(gzip.decompress(file.read_bytes()))
        file.touch()
        return [Mutant(**{name: _frozen(value) for name, value in each.items()}) for each in kept]
    made = generate.mutants(found, say)
    with suppress(OSError):  # a full disk costs time alone
        _write(file, made)
    return made


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _file(described: str) -> Path | None:
    try:
        return folders.cache() / f"{PREFIX}{_code(described)[:32]}.json.gz"
    except OSError:
        return None


def _code(described: str) -> str:
    """Return the digest of a schema, of the rules, and of all code that makes mutants of them."""
    digest = sha256(f"{described} {[*RULES]}".encode())
    for folder in (Path(str(conformance.__file__)).parent, *domain_folders()):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _write(file: Path, made: list[Mutant]) -> None:
    rows = [asdict(each) for each in made]
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(gzip.compress(json.dumps(rows).encode(), 1, mtime=0))
    unfinished.replace(file)
    every = sorted(file.parent.glob(f"{PREFIX}*.json.gz"), key=lambda kept: kept.stat().st_mtime)
    for old in every[:-KEPT]:
        old.unlink(missing_ok=True)
