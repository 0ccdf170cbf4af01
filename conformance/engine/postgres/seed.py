"""Ready data directories: initdb takes half a second, a copy of what it made a tenth of that."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.postgres import folders, identity
from conformance.engine.postgres.request import ProvisionError

if TYPE_CHECKING:
    from conformance.engine.postgres.binaries import Binaries

USER = "postgres"
INITDB = (f"--username={USER}", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")


def plant(binaries: Binaries, folder: Path) -> Path:
    """Put a new data directory into `folder`, from the cache where there is one.

    Raises:
        ProvisionError: initdb failed.
    """
    data = folder / "data"
    try:
        folders.copy(_cached(binaries, folder), data)
    except OSError:  # no cache to write to, or no room in it
        shutil.rmtree(data, ignore_errors=True)
        _initdb(binaries, data)
    give(data, binaries.identity)
    return data


def give(path: Path, owner: str) -> None:
    """Make a user the owner of a tree of ours, if the server is to run as another user."""
    if ":" not in owner:
        return
    uid, gid = (int(part) for part in owner.split(":"))
    for directory, _, files in os.walk(path):
        os.chown(directory, uid, gid)
        for name in files:
            os.chown(Path(directory, name), uid, gid, follow_symlinks=False)


def _cached(binaries: Binaries, folder: Path) -> Path:
    """Return the cached data directory of these very binaries; make it if it is not there."""
    postgres = binaries.bin_dir / "postgres"
    key = hashlib.sha256(repr((binaries.version, INITDB)).encode())
    key.update(postgres.read_bytes())
    cached = folders.cache() / f"data-{binaries.version}-{key.hexdigest()[:16]}"
    if not cached.is_dir():
        with folders.only_one(cached):
            if not cached.is_dir():
                _fill(cached, binaries, folder)
    return cached


def _fill(cached: Path, binaries: Binaries, folder: Path) -> None:
    made = folder / "made"
    _initdb(binaries, made)
    copying = Path(tempfile.mkdtemp(prefix=f"{cached.name}-", dir=cached.parent))
    try:
        folders.copy(made, copying / "data")
        (copying / "data").rename(cached)  # atomic: a reader sees all of it or nothing
    finally:
        shutil.rmtree(copying, ignore_errors=True)
        shutil.rmtree(made, ignore_errors=True)


def _initdb(binaries: Binaries, data: Path) -> None:
    data.mkdir(mode=0o700)
    give(data, binaries.identity)
    argv = [str(binaries.bin_dir / "initdb"), f"--pgdata={data}", *INITDB]
    done = identity.run_as(binaries.identity, argv)
    if done.returncode:
        output = (done.stderr or done.stdout).strip()
        message = f"initdb of {binaries.bin_dir} failed:\n{output}"
        raise ProvisionError(message)
