"""Facts about a run: versions, digests of the migrations and of the suite, the commit."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import conformance
from conformance.engine.deployment import migrations
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.domain import chosen
from conformance.engine.domain.chosen import domain_folders
from conformance.engine.postgres import ProvisionError
from conformance.engine.pytest_plugin import replay
from conformance.engine.pytest_plugin.changed import CHANGED
from conformance.engine.pytest_plugin.keys import ENVIRONMENT, SEED
from conformance.engine.pytest_plugin.role import role_of
from conformance.engine.report.places import Places

PACKAGE = "framecast-conformance"
GIT_TIMEOUT = 10  # seconds, for a question that takes milliseconds


def about(config: pytest.Config) -> dict[str, Any]:
    """Return what a run stood on; no server, if none was asked for or there was none."""
    environment = config.stash[ENVIRONMENT]
    server, major = None, None
    domain = [f"{chosen.OPTION}={os.environ[chosen.VARIABLE]}"] if chosen.is_chosen() else []
    if environment.begun:
        with suppress(ProvisionError):
            server, major = environment.server().origin, environment.server().major
    return {
        "server": server,
        "major": major,
        "role": role_of(config),
        "profile": settings.get_current_profile_name(),
        "seed": config.stash.get(SEED, "none"),
        "options": [*replay.server(config), *domain],
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("pytest", "hypothesis", "psycopg")},
            **_own_version(),
            "server": server,
        },
        "migrations": _digests(environment.migrations),
        "suite": suite(),
        "commit": commit(environment.migrations),
    }


def places(config: pytest.Config) -> Places | None:
    """Return where the migrations are written, in a checkout from its top; None if unreadable.

    Without git, or outside of a checkout, they are seen from where pytest was called.
    """
    folder = config.stash[ENVIRONMENT].migrations
    try:
        files = migrations.load(folder)
    except (MigrationError, OSError):
        return None
    none: dict[str, tuple[str, ...]] = {}
    return Places(_shown(config), files, config.stash.get(CHANGED, none))


def ended(config: pytest.Config, error: BaseException) -> dict[str, Any]:
    """Return an error that ended a run as the report has it, with the migration to blame."""
    kind = "" if isinstance(error, pytest.UsageError) else f"{type(error).__name__}: "
    told: dict[str, Any] = {"said": f"{kind}{error}".rstrip(": ")}
    cause = error.__cause__
    folder = config.stash[ENVIRONMENT].migrations
    if isinstance(cause, MigrationError) and cause.path and cause.path.parent == folder:
        told["place"] = {"file": f"{_shown(config)}/{cause.path.name}", "line": cause.line}
    return told


def objects(config: pytest.Config, where: Places | None) -> dict[str, Any]:
    """Return the objects of the schema under test, as the report has them; {} without a server."""
    environment = config.stash[ENVIRONMENT]
    if not environment.begun:
        return {}
    from conformance.engine.changed import inventory

    try:
        template = environment.template()
        with (
            environment.scratch().cloned(template, "report") as database,
            database.connect() as connection,
        ):
            found = [*inventory.read(connection)]
    except (ProvisionError, MigrationError):  # which the run has said
        return {}
    listed = [each.document() for each in found]
    for each in listed if where else ():
        named = (str(each[part]) for part in ("kind", "name", "on"))
        place = where.of_object(*named) if where else None
        if place:
            each["place"] = place
    return {"objects": listed}


def _shown(config: pytest.Config) -> str:
    """Return the folder of the migrations as a report names it."""
    folder = config.stash[ENVIRONMENT].migrations
    there = folder if folder.is_dir() else Path()
    top = Path(_git(there, "rev-parse", "--show-toplevel") or config.invocation_params.dir)
    whole, top = folder.resolve(), top.resolve()
    return (whole.relative_to(top) if whole.is_relative_to(top) else folder).as_posix()


def suite() -> str:
    """Return the digest of the suite's own code and data, in hexadecimal."""
    digest = hashlib.sha256()
    for folder in (Path(str(conformance.__file__)).parent, *domain_folders()):
        for path in sorted((*folder.rglob("*.py"), *folder.rglob("*.json"))):
            digest.update(str(path.relative_to(folder.parent)).encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def commit(folder: Path) -> dict[str, Any] | None:
    """Return the commit of a folder, and whether files in it differ; None without git."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return None
    return {"id": head, "dirty": bool(_git(folder, "status", "--porcelain", "--", "."))}


def _own_version() -> dict[str, str]:
    """Return the version of this package, where it is installed."""
    with suppress(PackageNotFoundError):
        return {PACKAGE: version(PACKAGE)}
    return {}


def _digests(folder: Path) -> dict[str, str] | None:
    try:
        return {each.name: each.sha256 for each in migrations.load(folder)}
    except (MigrationError, OSError):  # which the run has said
        return None


def _git(folder: Path, *arguments: str) -> str:
    """Return what git answers; nothing, where there is no git or no repository."""
    program = shutil.which("git")
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 - a program of the user's, and words of ours
            [program, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=GIT_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
