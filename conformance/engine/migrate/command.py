"""``python -m conformance migrate`` and ``status``: their arguments, and what they print."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.arguments import (
    PRINTED,
    add_database,
    add_json,
    add_scratch,
    json_of,
    seconds,
)
from conformance.engine.audit.command import Incomplete
from conformance.engine.console import say, sentence
from conformance.engine.postgres.request import SETTINGS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from conformance.engine.migrate.runner import Applied

SUMMARY = "run the migrations that a database has no record of"
STATUS = "tell which migrations a database has, when they were run, by whom, and how long it took"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to those of ``python -m conformance``."""
    parser = commands.add_parser("migrate", help=SUMMARY, description=sentence(SUMMARY))
    add_database(parser)
    parser.add_argument(
        "--lock-timeout",
        metavar="SECONDS",
        type=seconds,
        default=5.0,
        help="how long each wait for a lock may take (default: %(default)g)",
    )
    parser.add_argument("--to", metavar="FILE", help="the last file to run, or to record")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, no more")
    parser.add_argument(
        "--single-transaction", action="store_true", help="run all files in one transaction"
    )
    parser.add_argument(
        "--retries",
        metavar="N",
        type=int,
        default=0,
        help="how often a file that met a lock is tried again, later each time (default: 0)",
    )
    parser.add_argument(
        "--gated",
        metavar="FILE",
        type=Path,
        help="run only what the gate has let pass, as its --json says in this file",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write what was run as JSON")
    parser.add_argument(
        "--record",
        action="store_true",
        help="run nothing, and record all files as applied: for a schema that psql has made",
    )
    add_scratch(parser)
    parser.set_defaults(run=_run, undone="what was being run is rolled back")
    parser = commands.add_parser("status", help=STATUS, description=sentence(STATUS))
    add_database(parser)
    add_json(parser)
    parser.set_defaults(run=_status, undone="the database was only read")


def _run(options: argparse.Namespace) -> None:
    from conformance.engine.migrate import runner  # noqa: PLC0415 - psycopg, where it is needed

    url = _url(options)
    given = (options.migrations, options.lock_timeout, say)
    if options.json:  # what an earlier run wrote says nothing of this one
        options.json.unlink(missing_ok=True)
    if options.record:
        from conformance.engine.migrate import baseline  # noqa: PLC0415 - the audit, where it is needed

        scratch = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
        base = baseline.Baseline(options.record_schema, options.to, scratch, os.environ)
        baseline.record(url, *given, base)
        return
    how = runner.How(
        schema=options.record_schema,
        to=options.to,
        dry=options.dry_run,
        single=options.single_transaction,
        retries=options.retries,
        passed=options.gated,
    )
    done = runner.migrate(url, *given, how)
    if options.json:
        options.json.write_text(_as_json(done))


def _as_json(done: Sequence[Applied]) -> str:
    files = [
        {
            "name": each.migration.name,
            "sha256": each.migration.sha256,
            "seconds": round(each.seconds, 3),
        }
        for each in done
    ]
    return json.dumps({"version": 1, "applied": files}, indent=2) + "\n"


def _status(options: argparse.Namespace) -> None:
    from conformance.engine.migrate import status  # noqa: PLC0415 - psycopg, where it is needed

    file = json_of(options)
    files = status.of(_url(options), options.migrations, options.record_schema)
    if file == PRINTED:
        sys.stdout.write(status.as_json(files))
    else:
        if file is not None:
            file.write_text(status.as_json(files))
        for line in status.lines(files):
            say(line)
    if any(each.wrong for each in files):
        raise Incomplete


def _url(options: argparse.Namespace) -> str:
    from conformance.engine.deployment.migration import MigrationError  # noqa: PLC0415 - as above

    if not options.url:
        message = "no database: give its URL, or set DATABASE_URL"
        raise MigrationError(message)
    return str(options.url)
