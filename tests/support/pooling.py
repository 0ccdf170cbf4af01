"""A pooler in transaction mode: each transaction of a client gets the next of a few sessions.

PgBouncer where there is one, and a double of it that is always there: between two transactions a
client keeps nothing, and what one leaves in a session another one finds.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
POOLERS = ("double", *(["pgbouncer"] if PROGRAM else []))
SESSIONS = 3  # behind the double, in turns
PORT = 6432  # of a socket in a folder of the test's own
PATIENCE = 20.0  # seconds for a pooler to be there
CANCEL = 80877102
# Messages that are answered with ReadyForQuery, or end a COPY, which is.
ENDS = frozenset({b"Q", b"S", b"F", b"c", b"f"})
CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = {listen}
auth_type = any
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {sessions}
server_round_robin = 1
ignore_startup_parameters = extra_float_digits,options
logfile = {folder}/log
"""


@contextmanager
def pooled(kind: str, conninfo: str, user: str, folder: Path) -> Iterator[str]:
    """Put a pooler in front of a server, and return the address of a database behind it.

    Args:
        kind: one of `POOLERS`.
        conninfo: of the database, by a socket in a folder.
        user: as whom it is connected to.
        folder: a short path, for the pooler's own socket.
    """
    target = conninfo_to_dict(conninfo)
    start = _double if kind == "double" else _pgbouncer
    with start(target, user, folder):
        yield make_conninfo("", host=str(folder), port=PORT, dbname=target["dbname"], user=user)


@contextmanager
def _pgbouncer(target: Mapping[str, object], user: str, folder: Path) -> Iterator[None]:
    text = CONFIGURATION.format(
        host=target["host"],
        port=target["port"],
        user=user,
        folder=folder,
        listen=PORT,
        sessions=SESSIONS,
    )
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "users").write_text(f'"{user}" ""\n')
    # It does not run as root, which starts servers in a namespace of its own as well.
    as_user = ("unshare", "--user", "--map-user=1000") if os.geteuid() == 0 else ()
    command = [*as_user, str(PROGRAM), str(folder / "pgbouncer.ini")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _await(folder / f".s.PGSQL.{PORT}")
            yield
        finally:
            process.terminate()


def _await(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} is not there"


@contextmanager
def _double(target: Mapping[str, object], _user: str, folder: Path) -> Iterator[None]:
    double = _Double(f"{target['host']}/.s.PGSQL.{target['port']}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / f".s.PGSQL.{PORT}"))
        listener.listen()
        thread = threading.Thread(target=double.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            double.close()


@dataclass
class _Session:
    """A session of the server, and what it said when it began."""

    stream: socket.socket
    greeting: bytes


@dataclass
class _Double:
    """Clients in front, sessions behind: a client has one for the length of a transaction."""

    server: str
    free: deque[_Session] = field(default_factory=deque)
    made: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def serve(self, listener: socket.socket) -> None:
        """Take clients until the listener is shut down."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def close(self) -> None:
        """End the sessions that nobody has."""
        for session in self.free:
            session.stream.close()

    def _attend(self, client: socket.socket) -> None:
        with client, suppress(OSError, EOFError):
            (length,) = struct.unpack("!i", _exactly(client, 4))
            startup = _exactly(client, length - 4)
            if struct.unpack("!i", startup[:4])[0] == CANCEL:
                return
            session = self._take(startup)
            self._give(session)
            client.sendall(session.greeting)
            while self._transaction(client, startup):
                pass

    def _transaction(self, client: socket.socket, startup: bytes) -> bool:
        """Pass on what a client sends until the server is idle again; False where it leaves."""
        kind, message = _message(client)
        if kind == b"X":
            return False
        session = self._take(startup)
        session.stream.sendall(message)
        while True:
            while kind not in ENDS:
                kind, message = _message(client)
                session.stream.sendall(message)
            answer, message = _message(session.stream)
            client.sendall(message)
            while answer not in {b"Z", b"G"}:
                answer, message = _message(session.stream)
                client.sendall(message)
            if answer == b"Z" and message[-1:] == b"I":
                self._give(session)
                return True
            try:
                kind, message = _message(client)
            except EOFError:
                kind = b"X"
            if kind == b"X":  # in the middle of a transaction: the session is of no more use
                session.stream.close()
                with self.changed:
                    self.made -= 1
                    self.changed.notify()
                return False
            session.stream.sendall(message)

    def _take(self, startup: bytes) -> _Session:
        with self.changed:
            if self.made < SESSIONS:
                self.made += 1
                self.free.append(self._begun(startup))
            while not self.free:
                self.changed.wait()
            return self.free.popleft()

    def _give(self, session: _Session) -> None:
        with self.changed:
            self.free.append(session)
            self.changed.notify()

    def _begun(self, startup: bytes) -> _Session:
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(self.server)
        stream.sendall(struct.pack("!i", len(startup) + 4) + startup)
        greeting, kind = b"", b""
        while kind != b"Z":
            kind, message = _message(stream)
            greeting += message
        return _Session(stream, greeting)


def _message(stream: socket.socket) -> tuple[bytes, bytes]:
    """Read one message: its type, and all of it."""
    head = _exactly(stream, 5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + _exactly(stream, length - 4)


def _exactly(stream: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = stream.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return found
