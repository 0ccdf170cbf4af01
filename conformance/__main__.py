"""The command line: ``python -m conformance COMMAND``."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg

from conformance import migrate
from conformance.migrations import MigrationError

FAILED = 1
INTERRUPTED = 130  # as a shell says of a command that SIGINT ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 only if it did all that was asked."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (MigrationError, psycopg.Error) as error:
        sys.stderr.write(f"{options.command}: {str(error).strip()}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"{options.command}: interrupted: what was being run is rolled back\n")
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (_add_migrate,):
        add(commands)
    return parser


def _add_migrate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "run the migrations that a database has no record of"
    parser = commands.add_parser("migrate", help=summary, description=f"{summary}.".capitalize())
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        default=os.environ.get("DATABASE_URL"),
        help="the database (default: $DATABASE_URL)",
    )
    parser.add_argument(
        "--migrations",
        metavar="DIR",
        type=Path,
        default=Path("migrations"),
        help="the folder of the *.sql files (default: %(default)s)",
    )
    parser.add_argument(
        "--lock-timeout",
        metavar="SECONDS",
        type=_seconds,
        default=5.0,
        help="how long each wait for a lock may take (default: %(default)g)",
    )
    parser.set_defaults(run=_run_migrate)


def _run_migrate(options: argparse.Namespace) -> None:
    if not options.url:
        message = "no database: give its URL, or set DATABASE_URL"
        raise MigrationError(message)
    migrate.migrate(options.url, options.migrations, options.lock_timeout, _say)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _seconds(text: str) -> float:
    longest = 2**31 / 1000  # PostgreSQL counts milliseconds in 32 bits
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < longest:
        message = f"{text!r} is not a number of seconds above 0"
        raise argparse.ArgumentTypeError(message)
    return seconds


if __name__ == "__main__":
    # What psycopg warns of after an interrupt (a rollback that it could not send) tells users
    # nothing: the server rolls back by itself when the connection closes.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    sys.exit(main())
