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
ENCODE = "in a password write @ / : ? # % & as %40 %2F %3A %3F %23 %25 %26"
LEFT_OUT = f"its words are left out, since they repeat a part of the password; {ENCODE}"
PORTS = re.compile(r"[\d,]*")
LAST_PORT = 65_535
SCHEMES = ("postgresql://", "postgres://")
OTHER_SCHEME = re.compile(r"([a-z][a-z0-9+.]*(?::postgres(?:ql)?)?):/")
NO_HOST = re.compile(r"postgres(?:ql)?://[^/?@]*:[^@]*$")
QUOTED = re.compile(r'"([^"]*)"')
HIDDEN = '"…"'


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
    settings = {**defaults, **parts(url), "client_encoding": "utf8"}
    try:
        return psycopg.connect(
            make_conninfo("", **settings), autocommit=True, prepare_threshold=None
        )
    except psycopg.Error as error:
        message = f"the database cannot be reached: {reason(url, error)}"
        raise AddressError(message) from None


def parts(url: str) -> dict[str, str]:
    """Return the parameters of an address.

    Raises:
        AddressError: it is none, or its port is no number.
    """
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError as error:
        message = f"{NO_URL}: {_unreadable(url, str(error))}"
        raise AddressError(message) from None
    ports = [port for port in found.get("port", "").split(",") if port]
    if not all(port.isdecimal() and 1 <= int(port) <= LAST_PORT for port in ports):
        message = f"{NO_URL}: its port is no number from 1 to {LAST_PORT}"
        # The end of a password is taken for one, where that holds a / or an @, or no host follows.
        places = [found.get(name, "") for name in ("host", "port", "dbname")]
        if any("@" in place for place in places) or NO_HOST.match(url):
            message += f"; {ENCODE}"
        raise AddressError(message)
    return found


def _unreadable(url: str, said: str) -> str:
    """Return what is wrong with an address, without what may be of its password."""
    if url.strip() != url:
        return "there are blanks around it"
    if not url.startswith(SCHEMES):
        scheme = OTHER_SCHEME.match(url)
        if scheme and f"{scheme[1]}://" not in SCHEMES:
            return f"it begins with {scheme[1]}:, and no database of PostgreSQL does"
        if "//" in url or "@" in url:
            return "it does not begin with postgresql://"

    def shown(found: re.Match[str]) -> str:
        before, _, after = url.partition(found[1])
        known = re.fullmatch(r"\w+", found[1]) and "password" not in before and "@" not in after
        return found[0] if known or not found[1].strip("=:/]") else HIDDEN

    said = QUOTED.sub(shown, " ".join(said.split()))
    return f"{said}; {ENCODE}" if "percent-encoded token" in said else said


def reason(url: str, error: psycopg.Error) -> str:
    """Return what an error of a connection says, in one line, unless it tells of the password."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = "; ".join(dict.fromkeys(lines)) or type(error).__name__
    if any(secret in said for secret in _secrets(url)):
        return f"libpq does not connect ({error.sqlstate or 'no answer'}): {LEFT_OUT}"
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
