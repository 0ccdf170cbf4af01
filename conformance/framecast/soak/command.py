"""The command ``soak``: its server, its database, and its exit code."""

from __future__ import annotations

import os
import secrets
from importlib.util import find_spec
from typing import TYPE_CHECKING

from conformance.engine.database.sandbox import Sandbox
from conformance.engine.deployment import migrations
from conformance.engine.domain.chosen import RULES
from conformance.engine.postgres import ProvisionError, Request, provision, scratch
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.postgres.surroundings import withdrawn
from conformance.engine.progress import Progress
from conformance.engine.soak import elle, history
from conformance.engine.soak.faults import Fault
from conformance.framecast.soak import summary
from conformance.framecast.soak.run import DURABLE, Plan, Soak

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.engine.postgres.scratch import Database
    from conformance.framecast.soak.run import Report

FAILED = 1
NOT_TO_KILL = (
    "--kill is for a server that the soak starts itself: "
    "leave out --database-url and --postgres-image, and their variables"
)

NO_HISTORY = (
    "--history needs a server that tells the order of commits, which the soak starts itself: "
    "leave out --database-url and --postgres-image, and their variables"
)

NO_NETWORKX = (
    "--cycles and --elle need the package networkx: pip install 'framecast-conformance[history]'"
)


def soak(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Run a soak and return its exit code: 0 only if everything was exercised, and all held.

    Raises:
        ProvisionError: There is no server, or none that may be killed, or a package is missing.
        MigrationError: The schema cannot be installed.
    """
    named = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
    request = Request.read(named, os.environ)
    if options.kill and (request.database_url is not None or request.image is not None):
        raise ProvisionError(NOT_TO_KILL)
    if options.history and (request.database_url is not None or request.image is not None):
        raise ProvisionError(NO_HISTORY)
    migrations.load(options.migrations)  # fails before a server has been waited for
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    cycles = options.cycles or options.elle is not None
    if cycles:
        _need_networkx()
    if options.elle is not None:
        _need_file(options.elle)
    plan = Plan(
        *(options.seconds, options.clients, seed, options.kill),
        history=options.history,
        cycles=cycles,
    )
    with (
        Progress() as progress,
        withdrawn(request) as completed,
        provision(completed, _settings(options)) as server,
        scratch.opened(server) as made,
    ):
        if options.kill and server.cluster is None:
            raise ProvisionError(NOT_TO_KILL)
        say(f"server: {server.origin}")
        say(f"{plan.clients} clients for {plan.seconds:g} s, --seed {seed}")
        template = made.template(options.migrations)
        database = made.clone(template, "soak")
        report = Soak(database, plan, server.cluster, progress).run()
        progress.clear()
        if options.history:
            with made.cloned(template, "again") as again:
                say(_again(report, database, again, progress))
        if cycles:
            for text in _depend(report, database, options.elle):
                say(text)
        for text in summary.lines(report):
            say(text)
    say(summary.verdict(report))
    return 0 if summary.holds(report) else FAILED


def _need_networkx() -> None:
    if find_spec("networkx") is None:
        raise ProvisionError(NO_NETWORKX)


def _need_file(path: Path) -> None:
    """Say before the load that a file cannot be written."""
    try:
        path.touch()
    except OSError as error:
        message = f"--elle: cannot write {path}: {error.strerror}"
        raise ProvisionError(message) from None


def _depend(report: Report, database: Database, file: Path | None) -> Iterator[str]:
    """Look at who depended on whom; yield what came of it, and add what it shows."""
    from conformance.engine.soak import dependencies  # noqa: PLC0415 - needs networkx

    records = [record for client in report.clients for record in client.records]
    with database.connect() as connection:
        versions = dependencies.versions(connection)
        found = dependencies.look(records, versions, dependencies.failed(connection, records))
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.counts.items())
    yield (
        f"dependencies of {found.transactions:,} transactions: {counts};"
        f" {found.unknown:,} reads of a version that is not told apart"
    )
    yield f"cycles that a level forbids: {len(found.cycles)}; that it allows: {found.allowed}"
    by_xid = {record.xid: record for record in records}
    for cycle in found.cycles:
        report.shared.faults.add(Fault("cycle", cycle.name, cycle.told(by_xid)))
    if file is not None:
        text = "".join(f"{line}\n" for line in elle.lines(records, versions))
        file.write_text(text, encoding="utf-8")
        yield f"history for Elle: {file}"


def _settings(options: argparse.Namespace) -> dict[str, str] | None:
    """Return what the soak's own server needs beside what all have."""
    durable = DURABLE if options.kill else {}
    ordered = history.SETTINGS if options.history else {}
    return {**durable, **ordered} or None


def _again(report: Report, database: Database, again: Database, progress: Progress) -> str:
    """Make the history of a soak again; return what came of it, and add what it shows."""
    with database.connect() as connection, Sandbox(again.conninfo) as sandbox:
        commits, found = history.breach(connection, sandbox, progress)
    progress.clear()
    if found is None:
        return f"history: {commits:,} commits, no rule broken after any of them"
    for rule, keys in found.broken.items():
        told = f"{RULES[rule].statement}\nrows that break it: {', '.join(keys[:3])}\n"
        told += f"after commit {found.commit:,} of {commits:,}\n{found.told}"
        report.shared.faults.add(Fault("rule broken for a while", rule, told))
    return f"history: broken after commit {found.commit:,} of {commits:,}"
