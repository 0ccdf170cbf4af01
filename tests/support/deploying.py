"""A deployment from gate to migrate to audit, through PgBouncer, by an owner who is no superuser.

Two releases: an index that is built concurrently and a constraint NOT VALID, and its validation.
Prints what a terminal shows, with the whole suite, and ends with 1 where an exit code is not 0.
PgBouncer has to be installed (Debian's package pgbouncer).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks.audit_dataset import load
from conformance.engine.postgres import Request, provision
from conformance.engine.postgres.scratch import opened
from tests.support.pooling import PROGRAM, pooled

ROOT = Path(__file__).parents[2]
KEEPER = "mover"
RELEASES = (
    {
        "004_index.sql": """\
-- outside a transaction: writers need not wait
CREATE INDEX CONCURRENTLY users_email_lower ON public.users (lower(email));
""",
        "005_short_slugs.sql": """\
ALTER TABLE public.teams ADD CONSTRAINT teams_slug_is_short
CHECK (char_length(slug) <= 100) NOT VALID;
""",
    },
    {"006_validate.sql": "ALTER TABLE public.teams VALIDATE CONSTRAINT teams_slug_is_short;\n"},
)
SHOWN = """
    SELECT c.relname, a.amname, x.indisvalid, pg_get_userbyid(c.relowner)
      FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid
      JOIN pg_am AS a ON a.oid = c.relam
     WHERE c.relname = 'users_email_lower'
"""


class Terminal:
    """Runs commands as a user does, in one folder, and prints what that shows."""

    def __init__(self, folder: Path, url: str) -> None:
        """Begin; the address is in the environment."""
        self._folder = folder
        self._environ = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
        self.right = True

    def write(self, name: str, text: str) -> None:
        """Write a file of migrations, and show it."""
        (self._folder / "migrations" / name).write_text(text)
        _show(f"-- {name}\n{text.rstrip()}")

    def run(self, *arguments: str) -> None:
        """Run a command to its end."""
        words = " ".join((arguments[0], '"$DATABASE_URL"', *arguments[1:]))
        _show(f'$ python -m conformance {words}; echo "exit code $?"')
        begun = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "conformance", *arguments],
            cwd=self._folder,
            env=self._environ,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        seconds = time.perf_counter() - begun
        _show(f"{ended.stdout}exit code {ended.returncode}")
        _show(f"({seconds:.1f} s)")
        self.right &= ended.returncode == 0


def _show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Deploy, and print."""
    if PROGRAM is None:
        sys.exit("deploying: no pgbouncer: install it")
    options = _options()
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as place,  # a socket's path is short
        provision(Request(major=options.postgres)) as server,
        opened(server) as scratch,
    ):
        folder, socket = Path(place, "project"), Path(place, "pool")
        socket.mkdir()
        shutil.copytree(ROOT / "migrations", folder / "migrations")
        shutil.copy(ROOT / ".squawk.toml", folder)
        empty = Path(place, "empty")
        empty.mkdir()
        (empty / "nothing.sql").write_text("-- nothing\n")
        with (
            scratch.cloned(scratch.template(empty), "deployment") as database,
            database.connect() as admin,
        ):
            keeper, name = sql.Identifier(KEEPER), sql.Identifier(database.name)
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(keeper))
            admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, keeper))
            with pooled("pgbouncer", database.conninfo, KEEPER, socket) as url:
                terminal = Terminal(folder, make_conninfo(url))
                terminal.run("migrate")
                load(admin, options.rows)
                for release in RELEASES:
                    for file, text in release.items():
                        terminal.write(file, text)
                    terminal.run("gate", "--profile", options.profile, "--json", "gate.json")
                    terminal.run("migrate", "--gated", "gate.json")
                    terminal.run("audit")
                terminal.run("status")
            _show(f"-- {admin.execute(SHOWN).fetchall()}")
        _show(f"-- {server.origin}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")
    return 0 if terminal.right else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="quick", help="of the suite (%(default)s)")
    parser.add_argument("--rows", type=int, default=100_000, help="of the database (%(default)s)")
    parser.add_argument("--postgres", type=int, metavar="N", help="the major version")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
