"""Surroundings of a run: of the shell, a session takes the server's name and no more.

libpq reads variables wherever an address leaves something open, and a role may have settings of its
own. A time zone, an encoding or a service of the user's would decide what a test sees. So the
address is completed from the variables that name a server, all others are withdrawn while the
run lasts, and what a session depends on is stated.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from psycopg import ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.postgres.request import Request

# Parameters of libpq that say which server, as whom, and how it is reached.
NAMING: Final = frozenset(
    (
        *("host", "hostaddr", "port", "user", "password", "passfile", "dbname", "connect_timeout"),
        *("sslmode", "sslnegotiation", "sslcert", "sslkey", "sslcertmode", "sslrootcert", "sslsni"),
        *("sslcrl", "sslcrldir", "ssl_min_protocol_version", "ssl_max_protocol_version"),
        *("channel_binding", "require_auth", "requirepeer", "gssencmode", "krbsrvname", "gsslib"),
        *("gssdelegation", "min_protocol_version", "max_protocol_version", "load_balance_hosts"),
    )
)
# Read by libpq too, and no parameters of it.
FURTHER: Final = ("PGTZ", "PGDATESTYLE", "PGGEQO", "PGSERVICE")
PINNED: Final = {
    "array_nulls": "on",
    "bytea_output": "hex",
    "check_function_bodies": "on",
    "datestyle": "ISO,MDY",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": r"read\ committed",
    "extra_float_digits": "1",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "intervalstyle": "postgres",
    "row_security": "on",
    "search_path": '"$user",public',
    "standard_conforming_strings": "on",
    "timezone": "UTC",
    "transform_null_equals": "off",
}


def pinned(conninfo: str) -> str:
    """Return an address whose sessions begin with what a run depends on, whoever connects."""
    given = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    ours = " ".join(f"-c {name}={value}" for name, value in PINNED.items())
    options = f"{given.get('options', '')} {ours}".strip()
    return make_conninfo("", **{**given, "client_encoding": "UTF8", "options": options})


def without_password(conninfo: str) -> str:
    """Return an address as it may be shown; nothing of one that cannot be read."""
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    except ProgrammingError:  # its message repeats the address, password and all
        return "…"
    return make_conninfo("", **{name: parts[name] for name in parts if "password" not in name})


@contextmanager
def withdrawn(request: Request) -> Iterator[Request]:
    """Take libpq's variables away meanwhile; return the request with what they say of the server.

    An address that is none stays as it is: who connects says so.
    """
    variables = {
        option.envvar.decode(): option.keyword.decode()
        for option in pq.Conninfo.get_defaults()
        if option.envvar
    }
    kept = {name: os.environ[name] for name in (*variables, *FURTHER) if name in os.environ}
    try:
        for name in kept:
            del os.environ[name]
        yield _completed(request, kept, variables)
    finally:
        os.environ.update(kept)


def _completed(
    request: Request, environ: Mapping[str, str], variables: Mapping[str, str]
) -> Request:
    if request.database_url is None:
        return request
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(request.database_url).items()}
    except ProgrammingError:
        return request
    named = {
        keyword: environ[variable]
        for variable, keyword in variables.items()
        if keyword in NAMING and environ.get(variable)
    }
    if {"service", "host", "hostaddr"}.isdisjoint({*given, *named}) and "PGSERVICE" in environ:
        named["service"] = environ["PGSERVICE"]
    return replace(request, database_url=make_conninfo("", **{**named, **given}))
