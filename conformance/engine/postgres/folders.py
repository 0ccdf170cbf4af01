"""Folders of a server of our own while it runs, and of the cache that may stay."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "framecast-conformance-"
MEMORY = Path("/dev/shm")  # noqa: S108 - each folder below it is made by mkdtemp, mode 0700
ENOUGH = 1 << 30  # bytes free in memory before a server is put there
LONGEST_BASE = 55  # a socket's path may have about 100 bytes, on macOS 103
SETTLED = 60.0  # seconds after which a folder's lock has surely been taken


def cache() -> Path:
    """Return the directory for what later runs can use again, made if need be.

    Raises:
        OSError: It cannot be made or written to.
    """
    path = user_cache_path("framecast-conformance")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(13, "not writable", str(path))
    return path


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Let one process at a time, of all on this machine, make what is to be at `path`."""
    from filelock import FileLock  # noqa: PLC0415 - slow to import, and rarely needed

    with FileLock(path.with_name(f"{path.name}.lock")):
        yield


def base() -> Path:
    """Return the directory for servers: memory where there is enough, else the temporary one."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK):
        room = os.statvfs(MEMORY)
        if room.f_bavail * room.f_frsize >= ENOUGH:
            return MEMORY
    return executable_base()


def executable_base() -> Path:
    """Return the temporary directory, or the system's where its name is too long for a socket."""
    temporary = Path(tempfile.gettempdir()).resolve()
    return temporary if len(os.fsencode(temporary)) <= LONGEST_BASE else Path("/tmp")  # noqa: S108 - as above


def open_base() -> Path:
    """Return a directory that any user can enter and that programs run from."""
    places = (executable_base(), Path("/var/tmp"), MEMORY)  # noqa: S108 - as above
    return next(filter(_is_open, places), places[0])


def _is_open(folder: Path) -> bool:
    try:
        runs = not os.statvfs(folder).f_flag & os.ST_NOEXEC
        return runs and all(
            each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents)
        )
    except OSError:  # not there, or not for us either
        return False


def is_writable(folder: Path) -> bool:
    """Return whether a file can be made in a folder, or where it would have to be made first.

    By making one: root may write anywhere, and cannot on a disk that is read-only.
    """
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        tempfile.TemporaryFile(dir=there).close()
    except OSError:
        return False
    return True


def make(parent: Path) -> tuple[Path, int]:
    """Make a folder of mode 0700, and lock it; return it and the lock's file descriptor.

    Whoever inherits the descriptor shares the lock, so the lock is free only when the run, its
    keeper and its server have all gone.
    """
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, descriptor


def sweep(parent: Path) -> None:
    """Remove our folders that nobody has locked: their run, keeper and server were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            about = folder.lstat()
            ours = os.geteuid() in (about.st_uid, 0)  # root gives folders to whom it starts
            if not ours or time.time() - about.st_mtime < SETTLED:
                continue
            descriptor = os.open(folder / "lock", os.O_RDWR)
        except OSError:  # not ours, or gone already
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def copy(source: Path, target: Path) -> None:
    """Copy a tree of plain files and directories, for their owner only; faster than copytree."""
    target.mkdir(mode=0o700)
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                copy(Path(entry.path), target / entry.name)
            else:
                _copy_file(entry.path, str(target / entry.name))


def _copy_file(source: str, target: str) -> None:
    reader = os.open(source, os.O_RDONLY)
    writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        while chunk := os.read(reader, 1 << 20):
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(writer, rest) :]
    finally:
        os.close(writer)
        os.close(reader)
