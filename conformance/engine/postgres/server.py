"""A PostgreSQL server that a run may create databases on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conformance.engine.deployment.address import reason
from conformance.engine.postgres.request import MINIMUM_MAJOR, ProvisionError
from conformance.engine.postgres.surroundings import pinned

if TYPE_CHECKING:
    from conformance.engine.postgres.cluster import Cluster

CONNECT_TIMEOUT = 10  # seconds, unless the address says otherwise
READ_ONLY = (
    "the server is read-only, since default_transaction_read_only is on: "
    "switch that off, or name another"
)

FACTS = """
    SELECT current_setting('server_version_num')::integer,
           current_setting('server_version'),
           current_user::text,
           role.rolsuper,
           role.rolsuper OR role.rolcreatedb,
           pg_catalog.pg_is_in_recovery(),
           current_setting('default_transaction_read_only')::boolean
      FROM pg_catalog.pg_roles AS role
     WHERE role.rolname = current_user
"""


@dataclass(frozen=True)
class Server:
    """A server, and a role on it that may create databases.

    Attributes:
        conninfo: How to connect to a maintenance database; may hold a password, hence not shown.
        version: The server's ``server_version_num``, such as 180006.
        origin: One line for people, such as ``PostgreSQL 18.6, embedded wheel``.
        superuser: Whether the role is a superuser.
        owned: Whether the run started the server, so that nothing on it is worth keeping.
        cluster: The handle to stop and start it again, in the process that started it.
    """

    conninfo: str = field(repr=False)
    version: int
    origin: str
    superuser: bool
    owned: bool
    cluster: Cluster | None = field(default=None, repr=False, compare=False)

    @property
    def major(self) -> int:
        """The server's major version, such as 18."""
        return self.version // 10_000


def examine(
    conninfo: str, source: str, *, place: str, owned: bool, cluster: Cluster | None = None
) -> Server:
    """Connect to a server once and return what it is.

    Args:
        conninfo: How to connect to it.
        source: What names the server in messages, such as ``--database-url``.
        place: Where it comes from, for the header.
        owned: Whether the run started it.
        cluster: The handle on it, if it is a child of this process.

    Raises:
        ProvisionError: It cannot be used, and why.
    """
    timeout = {"connect_timeout": str(CONNECT_TIMEOUT)}
    conninfo = pinned(make_conninfo("", **{**timeout, **_strings(conninfo)}))
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            facts = connection.execute(FACTS).fetchone()
    except psycopg.Error as error:
        message = f"{source}: cannot connect to the server: {reason(conninfo, error)}"
        raise ProvisionError(message) from None
    if facts is None:
        message = f"{source}: the server does not say who we are"
        raise ProvisionError(message)
    number, version, role, superuser, creates, recovering, read_only = facts
    complaint = _complaint(number, version, role, creates=creates, recovering=recovering)
    if complaint := complaint or (READ_ONLY if read_only else None):
        message = f"{source}: {complaint}"
        raise ProvisionError(message)
    origin = f"PostgreSQL {version.split()[0]}, {place}"
    return Server(conninfo, number, origin, superuser, owned, cluster)


def _strings(conninfo: str) -> dict[str, str]:
    return {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}


def _complaint(
    number: int, version: str, role: str, *, creates: bool, recovering: bool
) -> str | None:
    if number < MINIMUM_MAJOR * 10_000:
        return f"PostgreSQL {version} is too old: {MINIMUM_MAJOR} or newer is needed"
    if recovering:
        return "the server is a standby, which cannot be written to: name its primary"
    if not creates:
        return (
            f'role "{role}" may not create databases, and each run needs some of its own: '
            f'run ALTER ROLE "{role}" CREATEDB, or connect as a role that may'
        )
    return None
