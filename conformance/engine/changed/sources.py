"""The migrations to compare with: those of another folder, or of a commit."""

from __future__ import annotations

import io
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SourceError(ValueError):
    """There are no migrations of that commit."""


@contextmanager
def of_commit(reference: str, migrations: Path) -> Iterator[Path]:
    """Lend a folder with the migrations as a commit has them.

    Args:
        reference: a commit, branch or tag of git.
        migrations: their folder in the work tree.

    Raises:
        SourceError: There is no git, no such commit, or no such folder in it.
    """
    if reference.startswith("-"):
        message = f"{reference!r} is no commit, branch or tag"
        raise SourceError(message)
    prefix = _git(migrations, "rev-parse", "--show-prefix").decode().strip()
    top = Path(_git(migrations, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    packed = _git(top, "archive", "--format=tar", f"{reference}:{prefix}")
    with TemporaryDirectory() as name, tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(name, filter="data")
        yield Path(name)


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - git, on the user's own repository
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - whichever the user has
            capture_output=True,
            check=False,
        )
    except OSError as error:
        message = f"git cannot be run: {error.strerror}"
        raise SourceError(message) from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        message = f"git says: {lines[-1] if lines else 'nothing'}"
        raise SourceError(message)
    return done.stdout
