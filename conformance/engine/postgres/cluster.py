"""A server of our own: started in a folder of its own, and gone with whoever started it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from conformance.engine.postgres import binaries as programs
from conformance.engine.postgres import folders, identity, keeper, seed
from conformance.engine.postgres.request import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.engine.postgres.binaries import Binaries

PORT = 5432  # part of the socket's name only
PATIENCE = 30.0  # seconds for a start, which takes 0.05, or 10 on a machine that is very busy
PAUSE = 0.005

# What suits a server that holds nothing of worth and is asked small things; a mapping given to
# Cluster can override each, for instance to measure with durability on.
SETTINGS = {
    "autovacuum": "on",
    "checkpoint_timeout": "30min",
    "deadlock_timeout": "50ms",
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "log_timezone": "UTC",
    "max_connections": "100",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "shared_buffers": "128MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "wal_level": "minimal",
}


class Cluster:
    """A running server that belongs to this process.

    Attributes:
        conninfo: How to connect to its maintenance database as its superuser.
        folder: Everything that it has on disk or in memory, except its programs.
    """

    def __init__(self, binaries: Binaries, settings: Mapping[str, str] | None = None) -> None:
        """Make a data directory and start a server on it, which the caller must close.

        Raises:
            ProvisionError: The server does not start.
        """
        for parent in {folders.base(), folders.executable_base(), folders.open_base()}:
            folders.sweep(parent)
        self._folders: list[Path] = []
        self._locks: list[int] = []  # held by whom we start, from then on
        self.folder = self._make(folders.base())
        self._log = self.folder / "log"
        self._killed = False
        self._keeper: subprocess.Popen[bytes] | None = None
        try:
            binaries = self._reachable(binaries)
            self._keeper = self._keep(binaries, settings or {})
            seed.give(self.folder, binaries.identity)  # who runs initdb there, if nothing is cached
            seed.plant(binaries, self.folder)
            self.start()
        except BaseException:
            self.close()
            raise
        finally:
            for lock in self._locks:
                os.close(lock)

    @property
    def conninfo(self) -> str:
        """Connection string of the maintenance database, for the superuser."""
        return make_conninfo(host=str(self.folder), port=PORT, user=seed.USER, dbname="postgres")

    def start(self) -> None:
        """Start the server, again after `kill`, and return when it accepts connections.

        Raises:
            ProvisionError: It does not start; the message ends with what it logged.
        """
        deadline = time.monotonic() + PATIENCE
        self._tell("start")
        while not self._answers():
            exited = self._exited()
            if time.monotonic() > deadline or (exited and not self._killed):
                raise ProvisionError(self._complaint())
            if exited:
                # After a kill, backends that have not noticed it yet hold on to shared memory for
                # some milliseconds, and the new server refuses to start: ask again.
                self._tell("start")
            time.sleep(PAUSE)

    def kill(self) -> None:
        """Kill the server with SIGKILL, as a crash would, and return when it has ended."""
        self._tell("kill")
        self._killed = True
        deadline = time.monotonic() + PATIENCE
        while not self._exited():
            if time.monotonic() > deadline:
                message = f"the server in {self.folder} cannot be killed"
                raise ProvisionError(message)
            time.sleep(PAUSE)

    def close(self) -> None:
        """Stop the server and remove its folder; harmless when done twice."""
        if self._keeper is not None:
            with contextlib.suppress(ProvisionError):
                self._tell("end")
            try:
                self._keeper.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
            with self._keeper:  # closes its pipes
                self._keeper = None
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _make(self, parent: Path) -> Path:
        folder, lock = folders.make(parent)
        self._folders.append(folder)
        self._locks.append(lock)
        return folder

    def _reachable(self, binaries: Binaries) -> Binaries:
        """Copy the programs to where the server's user can enter, if it cannot where they are."""
        prefix = f"{identity.UNREACHABLE}:"
        if not binaries.identity.startswith(prefix):
            return binaries
        owner = binaries.identity.removeprefix(prefix)
        folder = self._make(folders.open_base())
        bin_dir = programs.copy(binaries.bin_dir, folder)
        seed.give(folder, owner)
        copied = programs.inspect(bin_dir, binaries.origin)
        return dataclasses.replace(copied, identity=owner)

    def _keep(self, binaries: Binaries, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the keeper, which takes longer to wake than the folder takes to fill."""
        places = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.folder),
            "unix_socket_permissions": "0700",
            "dynamic_shared_memory_type": "mmap",  # in the folder, hence gone with it
        }
        argv = [str(binaries.bin_dir / "postgres"), "-D", str(self.folder / "data")]
        for name, value in {**SETTINGS, **settings, **places}.items():
            argv += ["-c", f"{name}={value}"]
        plan = {
            "argv": argv,
            "identity": binaries.identity,
            "folders": [str(folder) for folder in self._folders],
            "log": str(self._log),
        }
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own script, with our own interpreter
                [*identity.KEEPER, "keep", json.dumps(plan)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                env=keeper.environment(),
                pass_fds=self._locks,
                start_new_session=True,
                bufsize=0,
            )

    def _tell(self, command: str) -> None:
        """Send the keeper a line."""
        if self._keeper is None or self._keeper.stdin is None:
            message = "the server was closed"
            raise ProvisionError(message)
        try:
            self._keeper.stdin.write(f"{command}\n".encode())
        except BrokenPipeError:
            raise ProvisionError(self._complaint()) from None

    def _exited(self) -> bool:
        """Return whether the keeper has said since the last time that the server ended."""
        if self._keeper is None or self._keeper.stdout is None:
            return True
        ready, _, _ = select.select([self._keeper.stdout], [], [], 0)
        return bool(ready) and self._keeper.stdout.read(64) is not None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _complaint(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(["the server does not start; the end of its log:", *lines[-10:]])
