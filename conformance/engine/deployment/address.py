"""Connections to a database in use, by an address whose password no message repeats.

libpq tells what it could not read in an address, and where a password holds ``@``, ``/`` or ``:``,
that is a part of the password. Its words are left out wherever they hold such a part.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_URL = "not a database URL, such as postgresql://user@host:5432/name"
ENCODE = (
    "its words are left out, since they repeat a part of the password; "
    "in a password write @ / : ? # % & as %40 %2F %3A %3F %23 %25 %26"
)
PORTS = re.compile(r"[\d,]*")


class AddressError(Exception):
    """A database that cannot be reached; its text says why, and holds no password."""


def connect(url: str, defaults: Mapping[str, str]) -> psycopg.Connection[Any]:
    """Connect in autocommit mode, without prepared statements, and in UTF-8.

    A pooler gives each transaction another session, where a statement prepared elsewhere is
    unknown, or stands in the way of its namesake.

    Args:
        url: of the database, as libpq reads it.
        defaults: parameters that hold where the address says nothing of them.

    Raises:
        AddressError: it is no address, or nobody answers there.
    """
    try:
        settings = {**defaults, **conninfo_to_dict(url), "client_encoding": "utf8"}
    except psycopg.ProgrammingError:  # its message repeats the address, password and all
        raise AddressError(NO_URL) from None
    try:
        return psycopg.connect(
            make_conninfo("", **settings), autocommit=True, prepare_threshold=None
        )
    except psycopg.Error as error:
        message = f"the database cannot be reached: {reason(url, error)}"
        raise AddressError(message) from None


def reason(url: str, error: psycopg.Error) -> str:
    """Return what an error of a connection says, in one line, unless it tells of the password."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = "; ".join(dict.fromkeys(lines)) or type(error).__name__
    if any(secret in said for secret in _secrets(url)):
        return f"libpq does not connect ({error.sqlstate or 'no answer'}): {ENCODE}"
    return said


def _secrets(url: str) -> set[str]:
    """Return the password of an address, and what of a mistyped one may be part of it.

    libpq ends a password at the first @, and takes what has a / before that for host and port.
    """
    given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    places = [given.get(name, "") for name in ("host", "port", "dbname")]
    secrets = {value for name, value in given.items() if "password" in name}
    if any("@" in place for place in places) or not PORTS.fullmatch(given.get("port", "")):
        secrets |= {part for place in places for part in place.split("@")}
    return {secret for secret in secrets if secret}
