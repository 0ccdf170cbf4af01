"""Keeps what a run has started, and ends it when the run is gone, however it ended.

This file runs as a script of its own (``python -I -S keeper.py ...``): it may import nothing but
the standard library, and little of that. Its standard input is a pipe whose other end only the
run holds, so the end of that pipe is the end of the run, even after SIGKILL, on every Unix. On
Linux the server also has a parent-death signal, for the case that the keeper itself is killed.

``keeper.py keep PLAN`` runs the server of PLAN, a JSON object with ``argv``, ``identity``,
``folders`` (removed at the end) and ``log``. It obeys the lines ``start``, ``kill`` and ``end``,
and writes ``exited`` whenever the server has ended.
``keeper.py remain ARGV...`` runs the command only when the pipe closes.
``keeper.py as IDENTITY ARGV...`` becomes somebody whom PostgreSQL accepts, then the command.

An identity is ``self``, ``namespace`` (a user namespace where root is nobody: no user is made and
no permission changed) or ``UID:GID``.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
# Numbers of Landlock, which are the same on all machines, and the rights that each version knows.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
PR_SET_NO_NEW_PRIVS = 38
EXECUTE, READ, OF_FILES = 0x1, 0xC, 0xC007
RIGHTS = (0, 0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF)
NETWORK, TCP = 4, 0x3  # the version since which connections can be refused, and which
# What the server needs beside its own folder and programs: to read, and to write.
SYSTEM = (
    *("/lib", "/lib32", "/lib64", "/usr", "/opt", "/nix", "/gnu", "/proc", "/sys", "/dev/random"),
    *("/dev/urandom", "/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/group"),
    *("/etc/nsswitch.conf", "/etc/hosts", "/etc/ssl/openssl.cnf"),
)
DEVICES = ("/dev/null", "/dev/zero")
UNLOADED = (126, 127)  # exit codes of a program whose interpreter or libraries cannot be read
PR_SET_PDEATHSIG = 1
IPC_RMID = 0
PATIENCE = 5.0  # seconds that a server has to shut down before it is killed
# Where programs and libraries are found, and where files of the moment go.
NEEDED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "TMPDIR")
SIGNALS_TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def assume(identity: str) -> None:
    """Turn this process, which must have one thread, into one that PostgreSQL lets run."""
    if identity == "namespace":
        _enter_namespace()
    elif identity != "self":
        uid, gid = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _enter_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    if hasattr(os, "unshare"):  # Python 3.12
        os.unshare(CLONE_NEWUSER)
    else:
        import ctypes  # noqa: PLC0415 - costs 10 ms that most starts need not pay

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
    for name, content in (
        ("uid_map", f"{NOBODY} {uid} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{NOBODY} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123 - pathlib is slow to import
            file.write(content)


def death_with_parent(parent: int) -> Callable[[], None]:
    """Return what asks Linux for SIGQUIT, an immediate shutdown, when the process `parent` ends.

    It is to be called as whom the server runs, for a change of user would cancel it. That user
    may be unable to read Python's library, hence everything is imported now.
    """
    if sys.platform != "linux":
        return lambda: None
    import ctypes  # noqa: PLC0415 - costs 10 ms that the keeper need not pay

    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGQUIT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def confinement(program: str, folders: list[str]) -> Callable[[], None]:
    """Return what keeps this process, and all that come of it, from the machine, for good.

    A superuser of the server may run programs and read and write files. It is left with the
    server's own folders and what its programs are loaded from, and can run nothing but itself.
    Without Landlock, which Linux has, nothing is kept from it.
    """
    version = landlock()
    if not version:
        return lambda: None
    import ctypes  # noqa: PLC0415 - as above

    libc = ctypes.CDLL(None)
    every = RIGHTS[min(version, len(RIGHTS) - 1)]
    asked = every.to_bytes(8, sys.byteorder) + TCP.to_bytes(8, sys.byteorder)
    rules = libc.syscall(CREATE_RULESET, asked, 16 if version >= NETWORK else 8, 0)

    def allow(path: str, rights: int) -> None:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        rights &= every if os.path.isdir(path) else every & OF_FILES  # noqa: PTH112 - as above
        rule = rights.to_bytes(8, sys.byteorder) + place.to_bytes(4, sys.byteorder)
        libc.syscall(ADD_RULE, rules, 1, rule, 0)
        os.close(place)

    program = os.path.realpath(program)
    with open(program, "rb") as file:  # noqa: PTH123 - as above
        loader = interpreter(file.read(4096))
    for path in (program, loader):
        allow(path, EXECUTE | READ)
    top = os.path.dirname(os.path.dirname(program))  # noqa: PTH120 - as above
    libraries = f"{os.path.dirname(top)}.libs", *os.environ.get("LD_LIBRARY_PATH", "").split(":")  # noqa: PTH120 - as above
    for path in (*SYSTEM, top, *libraries):
        allow(path, READ)
    for path in DEVICES:
        allow(path, every & ~EXECUTE)
    for path in folders:
        allow(path, every & ~EXECUTE)

    def confine() -> None:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.syscall(RESTRICT_SELF, rules, 0)

    return confine


def landlock() -> int:
    """Return the version of Landlock that the kernel has, or 0."""
    if sys.platform != "linux":
        return 0
    import ctypes  # noqa: PLC0415 - as above

    return max(0, int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, 1)))


def interpreter(head: bytes) -> str:
    """Return the program that loads another one, which the head of its file names; or ''."""
    if head[:5] != b"\x7fELF\x02":
        return ""
    begin, size, count = (
        int.from_bytes(head[at : at + width], sys.byteorder)
        for at, width in ((32, 8), (54, 2), (56, 2))
    )
    for at in range(begin, begin + size * count, size):
        if int.from_bytes(head[at : at + 4], sys.byteorder) == 3:  # noqa: PLR2004 - PT_INTERP
            place = int.from_bytes(head[at + 8 : at + 16], sys.byteorder)
            return head[place:].partition(b"\0")[0].decode()
    return ""


def launch(argv: list[str], identity: str, log: str, confine: Callable[[], None]) -> int:
    """Start `argv` as a direct child in a session of its own, and return its process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (*SIGNALS_TO_END, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.umask(0o077)
        die_with_parent = death_with_parent(parent)
        assume(identity)
        die_with_parent()
        confine()
        os.execve(argv[0], argv, environment())  # noqa: S606 - no shell is the point
    except BaseException as error:  # noqa: BLE001 - a fork must never return into the parent's code
        os.write(2, f"cannot start {argv[0]}: {error}\n".encode())
        os._exit(126)


def environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs, with untranslated messages.

    The rest may hold secrets, which statements of a migration could read on the server.
    """
    kept = {name: os.environ[name] for name in NEEDED if name in os.environ}
    return {**kept, "LC_ALL": "C", "LANG": "C"}


class Keeper:
    """One server and the folders that go with it."""

    def __init__(self, plan: dict[str, list[str] | str]) -> None:
        """Take the plan; nothing is started before the line ``start``."""
        self.argv = list(plan["argv"])
        self.identity = str(plan["identity"])
        self.folders = list(plan["folders"])
        self.log = str(plan["log"])
        self.server = 0
        self.is_confined = True
        self.confine = confinement(self.argv[0], self.folders)

    def start(self) -> None:
        """Start the server, unless it runs."""
        if not self.server:
            self.server = launch(self.argv, self.identity, self.log, self.confine)

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal, if it still runs."""
        if self.server:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.server, number)

    def kill(self) -> None:
        """Kill the server with all its processes, so that none of them saves what it holds."""
        self.signal(signal.SIGSTOP)  # it starts no more of them
        for process in children(self.server):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.signal(signal.SIGKILL)

    def reap(self) -> None:
        """Notice that the server has ended, and say so; free one that cannot be loaded."""
        if self.server and (ended := os.waitpid(self.server, os.WNOHANG))[0]:
            self.server = 0
            if self.is_confined and os.waitstatus_to_exitcode(ended[1]) in UNLOADED:
                self.is_confined, self.confine = False, lambda: None
                self.start()
                return
            with contextlib.suppress(OSError):
                os.write(1, b"exited\n")

    def end(self) -> None:
        """Stop the server at once, then remove its folders."""
        self.signal(signal.SIGQUIT)
        deadline = time.monotonic() + PATIENCE
        while self.server and time.monotonic() < deadline:
            self.reap()
            time.sleep(0.005)
        self.signal(signal.SIGKILL)
        for folder in self.folders:
            release_memory(folder)
            shutil.rmtree(folder, ignore_errors=True)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started, where the system has /proc.

    Elsewhere they end by themselves, as soon as they notice that the server has ended.
    """
    found = []
    for name in os.listdir("/proc") if parent and os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208 - as above
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
                # The name, in parentheses, may hold anything; the state and the parent follow.
                if file.read().rpartition(b")")[2].split()[1] == b"%d" % parent:
                    found.append(int(name))
    return found


def release_memory(folder: str) -> None:
    """Free the shared memory of a server that was killed: it outlives all processes.

    The server's lock file, which it removes itself when it shuts down, has a number for it.
    """
    try:
        with open(f"{folder}/data/postmaster.pid") as file:  # noqa: PTH123 - as above
            _, number = file.read().splitlines()[6].split()
    except (OSError, IndexError, ValueError):
        return
    import ctypes  # noqa: PLC0415 - as above

    ctypes.CDLL(None).shmctl(int(number), IPC_RMID, None)


def serve(keeper: Keeper) -> None:
    """Obey the lines on standard input until it ends, or a signal says so."""
    commands: dict[bytes, Callable[[], None]] = {
        b"start": keeper.start,
        b"kill": keeper.kill,
    }
    for lines in events(on_child=keeper.reap):
        for line in lines:
            if line == b"end":
                return keeper.end()
            commands[line]()
    return keeper.end()


def events(on_child: Callable[[], None]) -> Iterator[list[bytes]]:
    """Yield the lines that arrive on standard input, until it ends or a signal asks for the end."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (*SIGNALS_TO_END, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    rest = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            received = os.read(woken, 64)
            on_child()
            if any(number in received for number in SIGNALS_TO_END):
                return
        if 0 in ready:
            data = os.read(0, 4096)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield lines


def main(mode: str, *args: str) -> None:
    """Do what the first argument says; see the top of this file."""
    if mode == "as":
        assume(args[0])
        os.execve(args[1], args[1:], environment())  # noqa: S606 - as in launch
    elif mode == "remain":
        for _ in events(on_child=lambda: None):
            pass
        os.execv(args[0], args)  # noqa: S606 - as in launch
    else:
        serve(Keeper(json.loads(args[0])))


if __name__ == "__main__":
    main(*sys.argv[1:])
