"""Preparation of the programs of node: node itself, their packages, Prisma's client."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from clients.flows import HERE

NODE: Final = HERE / "node"
INSTALLED: Final = NODE / "node_modules/.installed"
OLDEST: Final = (20, 19)  # that Prisma 7 runs on
MISSING: Final = (
    "node {wanted} or newer and npm are needed for the clients in node; there is {found}: "
    "`tox -e clients` brings both, as does `pip install -r clients/requirements.txt`"
)


class MissingNodeError(Exception):
    """Node or npm that is missing or too old; its text says what to do."""


def program(name: str) -> str:
    """Return where a program is: beside this Python, or on the path.

    Raises:
        MissingNodeError: It is in neither.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise MissingNodeError(_missing(f"no {name}"))
    return found


def prepare() -> None:
    """Install what the lock file names, and let Prisma generate its client, unless that is done.

    Raises:
        MissingNodeError: There is no node, no npm, or node is too old.
        subprocess.CalledProcessError: A package cannot be had; npm has said which.
    """
    found = run([program("node"), "--version"]).strip()
    if tuple(int(part) for part in found.lstrip("v").split(".")[:2]) < OLDEST:
        raise MissingNodeError(_missing(f"node {found}"))
    read = [NODE / "package-lock.json", NODE / "schema.prisma"]
    state = hashlib.sha256(b"".join(each.read_bytes() for each in read)).hexdigest()
    if INSTALLED.exists() and INSTALLED.read_text() == state:
        return
    # No script of a package need run: what they would build or fetch is not used.
    run([program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    # It generates without an engine, and would fetch one all the same.
    run([tool("prisma"), "generate"], PRISMA_SCHEMA_ENGINE_BINARY=program("node"))
    INSTALLED.write_text(state)


def tool(name: str) -> str:
    """Return where a program of an installed package is."""
    return str(NODE / "node_modules/.bin" / name)


def run(command: list[str], **more: str) -> str:
    """Run a program in the folder of the programs of node; return what it printed."""
    path = os.pathsep.join([str(Path(program("node")).parent), os.environ.get("PATH", "")])
    ended = subprocess.run(  # noqa: S603 - our own, or npm's
        command,
        cwd=NODE,
        env={**os.environ, "PATH": path, **more},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return ended.stdout


def _missing(found: str) -> str:
    return MISSING.format(wanted=".".join(str(part) for part in OLDEST), found=found)
