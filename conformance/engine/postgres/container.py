"""A server in a container, through testcontainers."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from docker.errors import DockerException  # type: ignore[import-untyped] # has no stubs
from psycopg.conninfo import make_conninfo
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.docker_client import get_docker_host
from testcontainers.core.exceptions import ContainerConnectException, ContainerStartException

from conformance.engine.postgres import identity
from conformance.engine.postgres.request import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LABEL = "framecast-conformance"
POLL = 0.05  # seconds between two looks at whether the server is ready; testcontainers' own is 1
PATIENCE = 120.0
# An OSError is what comes from requests, and a timeout.
FAILURES = (DockerException, ContainerConnectException, ContainerStartException, OSError)

# What removes a run's containers when the run was killed.
REMOVE = f"""
import sys, docker
label = "{LABEL}=" + sys.argv[1]
for container in docker.from_env().containers.list(all=True, filters={{"label": label}}):
    container.remove(force=True, v=True)
"""


def engine_answers() -> bool:
    """Return whether something listens where the container engine should."""
    address = urlsplit(get_docker_host() or "unix:///var/run/docker.sock")
    try:
        if address.scheme.endswith("unix"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(address.path)
        elif address.hostname and address.scheme in ("tcp", "http", "https"):
            socket.create_connection((address.hostname, address.port or 2375), 5).close()
    except OSError:
        return False
    return True


@contextmanager
def run(image: str, settings: Mapping[str, str]) -> Iterator[str]:
    """Run a server from an image with settings, and yield how to connect to it.

    Raises:
        ProvisionError: No container engine answers, or the image does not make a server.
    """
    if not engine_answers():
        message = f"image {image}: no container engine answers: start Docker, or set DOCKER_HOST"
        raise ProvisionError(message)
    token = secrets.token_hex(8)
    keeper = subprocess.Popen(  # noqa: S603 - our own script, with our own interpreter
        [*identity.KEEPER, "remain", sys.executable, "-c", REMOVE, token],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with keeper:
        try:
            with _server(image, settings, token) as conninfo:
                yield conninfo
        finally:
            # Not by closing its pipe, which would have it look for what is gone already.
            keeper.kill()


@contextmanager
def _server(image: str, settings: Mapping[str, str], token: str) -> Iterator[str]:
    testcontainers_config.sleep_time = POLL
    testcontainers_config.max_tries = int(PATIENCE / POLL)
    command = ["postgres"]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    container = PostgresContainer(
        image, username="postgres", password=token, dbname="postgres", driver=None
    )
    container.with_kwargs(labels={LABEL: token}).with_command(command)
    try:
        container.start()
    except FAILURES as error:
        container.stop()
        message = f"image {image}: {error}"
        raise ProvisionError(message) from error
    try:
        yield make_conninfo(container.get_connection_url(driver=None))
    finally:
        container.stop()
