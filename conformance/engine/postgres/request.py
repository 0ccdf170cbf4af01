"""The user's request: at most one source of a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MINIMUM_MAJOR = 15

# Each source as (attribute of Request, command-line option, environment variable), in the order
# in which they are looked at.
SETTINGS = (
    ("database_url", "--database-url", "CONFORMANCE_DATABASE_URL"),
    ("image", "--postgres-image", "CONFORMANCE_POSTGRES_IMAGE"),
    ("bin_dir", "--postgres-bin", "CONFORMANCE_POSTGRES_BIN"),
    ("major", "--postgres", "CONFORMANCE_POSTGRES"),
)


class ProvisionError(Exception):
    """No server to test on. The message says what is wrong and what to do about it."""


@dataclass(frozen=True)
class Request:
    """Which server to test on; nothing set means "whatever is at hand".

    Attributes:
        database_url: Address of a running server, as a URI or as ``key=value`` pairs.
        image: Name of a container image, such as ``postgres:17``.
        bin_dir: Directory that holds ``postgres`` and ``initdb``.
        major: Major version of PostgreSQL, such as 17.
    """

    database_url: str | None = None
    image: str | None = None
    bin_dir: Path | None = None
    major: int | None = None

    @classmethod
    def read(cls, options: Mapping[str, str | None], environ: Mapping[str, str]) -> Request:
        """Build the request from options and environment, where any option beats every variable.

        Args:
            options: Values by the names of SETTINGS' attributes; None or "" where not given.
            environ: Environment variables.

        Raises:
            ProvisionError: Two sources are named at once, or a major version is not a number.
        """
        by_option = {attr: (flag, options.get(attr)) for attr, flag, _ in SETTINGS}
        by_variable = {attr: (variable, environ.get(variable)) for attr, _, variable in SETTINGS}
        for given in (by_option, by_variable):
            named = {attr: (name, value) for attr, (name, value) in given.items() if value}
            if len(named) > 1:
                names = " and ".join(name for name, _ in named.values())
                message = f"{names} exclude each other: name one source of PostgreSQL"
                raise ProvisionError(message)
            for attr, (name, value) in named.items():
                return cls._of(attr, name, value or "")
        return cls()

    @classmethod
    def _of(cls, attribute: str, name: str, value: str) -> Request:
        if attribute == "database_url":
            return cls(database_url=value)
        if attribute == "image":
            return cls(image=value)
        if attribute == "bin_dir":
            return cls(bin_dir=Path(value).expanduser())
        if not value.isdecimal():
            message = f"{name} takes a major version of PostgreSQL, such as 17, not {value!r}"
            raise ProvisionError(message)
        return cls(major=int(value))


def named_settings() -> str:
    """All options and their environment variables, for a message that says what could be given."""
    return "\n".join(f"  {flag} ({variable})" for _, flag, variable in SETTINGS)
