"""``python -m conformance audit``: its arguments, and what it prints."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from conformance.engine.arguments import (
    PRINTED,
    add_database,
    add_json,
    add_scratch,
    json_of,
    positive,
    seconds,
)
from conformance.engine.console import fitted, say, sentence
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.progress import Progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from conformance.engine.audit.findings import Section
    from conformance.engine.audit.run import Wish

SUMMARY = "ask a database whether its data keep the rules, and whether the rules are enforced"
ABOUT = sentence(f"{SUMMARY}; reads only")


CLOSED, COULD_NOT_ASK = 1, 3  # exit codes; argparse has 2


class Incomplete(Exception):  # noqa: N818 - the end of a command, not an error of the program
    """An answer of no, or none at all, of which all has been said."""

    def __init__(self, code: int = CLOSED) -> None:
        """Say which exit code tells that."""
        super().__init__()
        self.code = code


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of ``python -m conformance``."""
    parser = commands.add_parser("audit", help=SUMMARY, description=ABOUT)
    add_target(parser)
    add_json(parser)
    parser.set_defaults(run=_run, undone="the database was only read")


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that looks at a database in use."""
    add_database(parser)
    for name, default, what in (
        ("--statement-timeout", 600.0, "one query on the database"),
        ("--lock-timeout", 5.0, "each wait for a lock there"),
    ):
        parser.add_argument(
            name,
            metavar="SECONDS",
            type=seconds,
            default=default,
            help=f"how long {what} may take (default: %(default)g)",
        )
    parser.add_argument(
        "--sessions",
        metavar="N",
        type=positive,
        default=2,
        help="how many ask the database at once, of one snapshot (default: %(default)s)",
    )
    parser.add_argument(
        "--paranoid",
        action="store_true",
        help="ask the rows for what validated constraints prove, too",
    )
    add_scratch(parser)


def wish_of(options: argparse.Namespace) -> Wish:
    """Return what the options say to ask, and where.

    Raises:
        MigrationError: there is no address.
    """
    from conformance.engine.audit.run import Wish  # noqa: PLC0415 - psycopg, where it is needed
    from conformance.engine.audit.target import Limits  # noqa: PLC0415 - as above
    from conformance.engine.deployment.migrations import MigrationError  # noqa: PLC0415 - as above

    if not options.url:
        message = "no database: give its URL, or set DATABASE_URL"
        raise MigrationError(message)
    return Wish(
        url=str(options.url),
        directory=options.migrations,
        options={attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS},
        environ=os.environ,
        limits=Limits(options.statement_timeout, options.lock_timeout),
        sessions=options.sessions,
        record=options.record_schema,
        migrates_as=getattr(options, "migrates_as", None),
        paranoid=options.paranoid,
    )


def _run(options: argparse.Namespace) -> None:
    from conformance.engine.audit import report  # noqa: PLC0415 - as above
    from conformance.engine.audit.run import audit  # noqa: PLC0415 - as above

    file = json_of(options)
    with Progress() as progress:
        sections = audit(wish_of(options), progress)
    if file == PRINTED:
        sys.stdout.write(report.as_json(sections))
    else:
        if file is not None:
            file.write_text(report.as_json(sections))
        good, bad = "the data keep the rules, and the rules are enforced", "not sound"
        for section in sections:
            show(section)
        say(report.verdict("audit", sections, good, bad))
    settle(sections)


def show(section: Section) -> None:
    """Print a section: its line, and below it what was found."""
    head, *below = section.lines()
    say(head)
    say(*fitted(below), plain=True)


def settle(sections: Sequence[Section]) -> None:
    """End a command with the exit code that tells what sections say.

    Raises:
        Incomplete: something is wrong; or nothing is, as far as it could be asked.
    """
    if code := code_of(sections):
        raise Incomplete(code)


def code_of(sections: Sequence[Section]) -> int:
    """Return the exit code that tells what sections say."""
    if any(section.asked and section.faults for section in sections):
        return CLOSED
    return 0 if all(section.right for section in sections) else COULD_NOT_ASK
