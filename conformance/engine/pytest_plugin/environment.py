"""Environment of a run: a server, a template, and this process's own databases.

The server takes a few tenths of a second, and so do pytest's own preparations: `begin` starts it
in the background, and only who needs it waits for it.
"""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack
from threading import Thread
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

from conformance.engine.deployment import migrations
from conformance.engine.postgres import Request, Server, provision, scratch
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.postgres.surroundings import withdrawn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


class Handover(TypedDict):
    """Message to a worker: plain values, for they travel between processes."""

    conninfo: str
    version: int
    origin: str
    superuser: bool
    owned: bool
    token: str
    template: str


class Environment:
    """The server of a run, its template, and the scratch databases of this process."""

    def __init__(self, request: Request, directory: Path) -> None:
        """Say what is wanted; nothing is started yet."""
        self.migrations = directory
        self.request = request
        self._exits = ExitStack()
        self._surroundings = ExitStack()
        self._scratch: Future[Scratch] | None = None
        self._template: Future[Template] | None = None
        self._own: Future[Database] | None = None

    def begin(self) -> None:
        """Start to make everything, in the background, unless that has been done."""
        if self._scratch is None:
            self.request = self._surroundings.enter_context(withdrawn(self.request))
            self._scratch = _background(self._open)
            self._template = _background(self._install)

    @property
    def begun(self) -> bool:
        """Return whether the server has been asked for."""
        return self._scratch is not None

    def scratch(self) -> Scratch:
        """Return this process's scratch databases, when the server is up.

        Raises:
            ProvisionError: There is no server.
        """
        self.begin()
        return cast("Future[Scratch]", self._scratch).result()

    def server(self) -> Server:
        """Return the server, when it is up; raises as `scratch` does."""
        return self.scratch().server

    def template(self) -> Template:
        """Return the template of the migrations under test, when it is ready.

        Raises:
            ProvisionError: There is no server.
            MigrationError: The migrations cannot be installed.
        """
        self.begin()
        return cast("Future[Template]", self._template).result()

    def database(self) -> Database:
        """Return this process's own database, a clone of the template; raises as `template`."""
        self.prepare()
        return cast("Future[Database]", self._own).result()

    def prepare(self) -> None:
        """Start to make this process's own database, in the background, unless that was done."""
        if self._own is None:
            self._own = _background(lambda: self.scratch().clone(self.template(), "own"))

    def handover(self) -> Handover:
        """Return what a worker needs to join, when it is ready; raises as `template`."""
        server = self.server()
        return Handover(
            conninfo=server.conninfo,
            version=server.version,
            origin=server.origin,
            superuser=server.superuser,
            owned=server.owned,
            token=self.scratch().token,
            template=self.template().name,
        )

    def join(self, handover: Handover, worker: str) -> None:
        """Use the server of the run that this process is a worker of, instead of one of its own."""
        self.request = self._surroundings.enter_context(withdrawn(self.request))
        self._scratch = _background(lambda: self._joined(handover, worker))
        self._template = Future()
        self._template.set_result(Template(handover["template"]))

    def close(self) -> None:
        """Take down what has been made, after whatever is still being made."""
        for future in (self._scratch, self._template, self._own):
            if future is not None:
                future.exception()
        with self._surroundings:
            self._exits.close()

    def _open(self) -> Scratch:
        server = self._exits.enter_context(provision(self.request))
        return self._exits.enter_context(scratch.opened(server))

    def _joined(self, handover: Handover, worker: str) -> Scratch:
        server = Server(
            conninfo=handover["conninfo"],
            version=handover["version"],
            origin=handover["origin"],
            superuser=handover["superuser"],
            owned=handover["owned"],
        )
        return self._exits.enter_context(scratch.joined(server, handover["token"], worker))

    def _install(self) -> Template:
        migrations.load(self.migrations)  # fails before a server has been waited for
        return self.scratch().template(self.migrations)


def _background(work: Callable[[], T]) -> Future[T]:
    """Do work in a thread that does not keep the process alive, and return its result to come."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future
