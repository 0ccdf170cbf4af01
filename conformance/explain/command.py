"""`python -m conformance rules` and `python -m conformance explain RULE`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.arguments import add_server
from conformance.domain.chosen import RULES
from conformance.domain.names import rule as named
from conformance.migrate import migrations
from conformance.postgres import Request, provision, scratch
from conformance.postgres.request import SETTINGS
from conformance.postgres.surroundings import withdrawn
from conformance.report.document import ReportError, load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

LIST, SHOW = "list the rules", "show all there is of one rule"
CORPUS = Path(__file__).resolve().parents[1] / "corpus"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register both commands."""
    listing = commands.add_parser("rules", help=LIST, description=f"{LIST}.".capitalize())
    listing.add_argument("--table", metavar="NAME", help="only those that speak of a table")
    listing.add_argument(
        "--report", metavar="FILE", type=Path, help="show the verdicts of this report"
    )
    listing.add_argument("--verdict", metavar="WORD", help="only those with this verdict in it")
    listing.set_defaults(run=run_list, undone="")
    showing = commands.add_parser("explain", help=SHOW, description=f"{SHOW}.".capitalize())
    showing.add_argument("rule", metavar="RULE", help="its id or token, such as INV-T2")
    add_server(showing)
    showing.set_defaults(run=run_show, undone="")


def run_list(options: argparse.Namespace) -> None:
    """List the rules.

    Raises:
        ReportError: The report cannot be read, none was given for a verdict, or no rule is left.
    """
    from conformance.explain import page  # noqa: PLC0415 - only who is shown something waits for it

    if options.verdict and options.report is None:
        message = "--verdict says which rules of a report: name that by --report FILE"
        raise ReportError(message)
    verdicts = _verdicts(options.report) if options.report else {}
    chosen = [
        rule
        for rule in RULES.values()
        if (options.table is None or options.table in rule.tables)
        and (options.verdict is None or verdicts.get(rule.id) == options.verdict)
    ]
    if not chosen and options.verdict:
        of = f" that speaks of {options.table}" if options.table else ""
        message = f"no rule{of} is {options.verdict} in {options.report}"
        raise ReportError(message)
    if not chosen:
        tables = sorted({table for rule in RULES.values() for table in rule.tables})
        message = f"no such rule; rules speak of the tables {', '.join(tables)}"
        raise ReportError(message)
    _say(page.table(chosen, verdicts))


def run_show(options: argparse.Namespace) -> None:
    """Show one rule.

    Raises:
        UnknownRuleError: There is no such rule.
        ProvisionError: There is no server.
        MigrationError: The migrations cannot be installed.
    """
    from conformance.explain import objects, page  # noqa: PLC0415 - as above

    rule = named(options.rule)
    migrations.load(options.migrations)
    given = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
    with (
        withdrawn(Request.read(given, os.environ)) as completed,
        provision(completed) as server,
        scratch.opened(server) as databases,
    ):
        template = databases.template(options.migrations)
        with databases.cloned(template, "explain") as database, database.connect() as connection:
            there = objects.read(connection)
    enforced = objects.enforcing(rule.enforced_by, there)
    _say(page.lines(rule, enforced, page.Tried.of(rule, CORPUS)))


def _verdicts(path: Path) -> dict[str, str]:
    return {each["id"]: each["verdict"] for each in load(path)["rules"]}


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
