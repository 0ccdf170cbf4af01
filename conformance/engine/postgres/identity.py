"""As whom a server can run: PostgreSQL refuses root, and continuous integration often is root."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.postgres import keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

# The keeper as a command: isolated from the environment, without site-packages, hence quick.
KEEPER = (sys.executable, "-I", "-S", str(Path(keeper.__file__).absolute()))
UNREACHABLE = "unreachable"  # prefix: the programs must be copied to where this user can enter


def choose(postgres: Path) -> tuple[str, str]:
    """Return the identity under which `postgres` runs here, and what ``--version`` printed.

    An identity that begins with ``unreachable:`` is one that cannot enter the directory.
    """
    output = ""
    for candidate in _candidates():
        asked = run_as(candidate, [str(postgres), "--version"])
        if asked.returncode == 0:
            return candidate, asked.stdout.strip()
        output = output or asked.stderr.strip()
    asked = run_as("self", [str(postgres), "--version"])
    if asked.returncode == 0 and (users := list(_users())):
        return f"{UNREACHABLE}:{users[0]}", asked.stdout.strip()
    return "self", asked.stderr.strip() or output


def run_as(identity: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as an identity."""
    command = argv if identity == "self" else [*KEEPER, "as", identity, *argv]
    return subprocess.run(  # noqa: S603 - PostgreSQL's own programs
        command, capture_output=True, text=True, check=False, cwd="/", env=keeper.environment()
    )


def _candidates() -> Iterator[str]:
    if os.geteuid() != 0:
        yield "self"
        return
    if sys.platform == "linux":
        yield "namespace"
    yield from _users()


def _users() -> Iterator[str]:
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        yield f"{user.pw_uid}:{user.pw_gid}"
