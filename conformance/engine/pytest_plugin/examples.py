"""A database of examples that runs share: what failed in one is tried first in the next.

Without the option there is none, and what a test draws follows from the run's seed and the test's
name alone. With it, examples that failed before, wherever that was, come before those.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
from hypothesis import Phase, settings
from hypothesis.database import (
    DirectoryBasedExampleDatabase,
    GitHubArtifactDatabase,
    MultiplexedDatabase,
    ReadOnlyDatabase,
)

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

OPTION: Final = "--conformance-examples"
VARIABLE: Final = "CONFORMANCE_EXAMPLES"
NAME_OF_ARTIFACT: Final = "hypothesis-example-db"
FORMS: Final = "a folder, redis://HOST:PORT/N, or github://OWNER/REPOSITORY"
LACKING: Final = "redis:// needs its client: pip install 'framecast-conformance[examples]'"
SOON: Final = 5  # seconds in which Redis has to answer


class ExamplesError(Exception):
    """A database that cannot be used; its text is one message, ready for a user."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register where the examples are."""
    parser.getgroup("conformance").addoption(
        OPTION,
        metavar="PLACE",
        help=f"try first what has failed in other runs, and keep what fails: {FORMS} ({VARIABLE})",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let the profile that was chosen use the database."""
    place = config.getoption(OPTION) or os.environ.get(VARIABLE)
    if not place:
        return
    try:
        found = database(place, config.invocation_params.dir)
    except ExamplesError as error:
        message = f"{OPTION}: {error}"
        raise pytest.UsageError(message) from None
    before = settings.get_current_profile_name()
    chosen = settings.get_profile(before)
    phases = (*chosen.phases, Phase.reuse)
    settings.register_profile(before, parent=chosen, database=found, phases=phases)
    settings.load_profile(before)


def database(place: str, folder: Path) -> ExampleDatabase:
    """Return the database of a place.

    Args:
        place: a folder, `redis://…` or `github://OWNER/REPOSITORY[/ARTIFACT]`, which is read, as a
            run of GitHub Actions keeps it; what fails is then kept in the working folder.
        folder: of the run, to which a folder is relative.

    Raises:
        ExamplesError: It is none of these, or it cannot be reached.
    """
    parts = urlsplit(place)
    if parts.scheme in {"redis", "rediss"}:
        return _redis(place, f"{parts.hostname}:{parts.port or 6379}")
    if parts.scheme == "github":
        owner, _, rest = f"{parts.netloc}{parts.path}".partition("/")
        repository, _, artifact = rest.partition("/")
        if not owner or not repository:
            message = f"{place}: name {FORMS}"
            raise ExamplesError(message)
        kept = GitHubArtifactDatabase(owner, repository, artifact or NAME_OF_ARTIFACT)
        own = DirectoryBasedExampleDatabase(folder / ".hypothesis" / "examples")
        return MultiplexedDatabase(own, ReadOnlyDatabase(kept))
    if parts.scheme and "://" in place:
        message = f"{parts.scheme}://: name {FORMS}"
        raise ExamplesError(message)
    where = folder / Path(place).expanduser()
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{where}: {error.strerror}"
        raise ExamplesError(message) from None
    return DirectoryBasedExampleDatabase(where)


def _redis(url: str, address: str) -> ExampleDatabase:
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
    except ImportError:
        raise ExamplesError(LACKING) from None
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=SOON)
        client.ping()
    except (redis.RedisError, ValueError) as error:
        # What it says may hold the address as it was given, with a password.
        message = f"no Redis at {address}: {type(error).__name__}"
        raise ExamplesError(message) from None
    return RedisExampleDatabase(client)
