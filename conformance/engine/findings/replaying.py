"""A finding tried again: its steps on a scratch database, its test in a run of its own, or psql."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import conformance
from conformance.engine.database import acting
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.deployment import migrations
from conformance.engine.domain import chosen
from conformance.engine.findings import stopping
from conformance.engine.findings.errors import ReplayError
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.postgres.surroundings import withdrawn
from conformance.engine.progress import Progress
from conformance.engine.regressions import entries
from conformance.engine.regressions.entries import Entry, Status
from framecast_conformance.installed import ALONE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from conformance.engine.findings.kept import Kept

    Say = Callable[[Iterable[str]], None]

STILL, GONE = 1, 0  # as pytest ends, too
PLUGIN: Final = "conformance.plugin"
OUTCOME: Final = "conformance.engine.findings.outcome"
SUITE = Path(str(conformance.__file__)).parent


def replay(kept: Kept, options: argparse.Namespace, say: Say) -> int:
    """Try a finding again, and say what becomes of it.

    Args:
        kept: the finding.
        options: of the command: another schema or server than it was found on, and `to`.
        say: prints lines.

    Returns:
        1 if it is still found, else 0.

    Raises:
        ReplayError: It has no such step, or its test does not come to its end.
        ProvisionError, MigrationError: There is nothing to replay it on.
    """
    seen, run = kept.seen, kept.run
    if run.domain and not chosen.is_chosen():
        try:
            chosen.choose(run.domain, Path(run.folder))
        except chosen.UnknownDomainError as error:
            raise ReplayError(str(error)) from None
    if options.to is not None:
        stopping.require_step(kept, options.to)
    folder = options.migrations or Path(run.migrations)
    if options.migrations is None and not folder.is_dir():
        message = f"the migrations of then, {folder}, are not here: name some by --migrations DIR"
        raise ReplayError(message)
    say([f"{seen.rule} was found {seen.verdict}: {kept.last}, {run.server or 'no server'}"])
    say([f"  expected: {seen.expected}", f"  observed: {seen.observed}", f"  migrations: {folder}"])
    if options.to is not None:
        _stop(kept, folder, options, say)
        return GONE
    if seen.steps:
        with Progress() as show, _sandbox(kept, folder, options) as (sandbox, _):
            show("its steps")
            entry = Entry(seen.rule, kept.first, seen.observed, seen.steps)
            done = entries.replay(sandbox, entry)
        say([f"{done.status}: {done.reason}"])
        if done.status is Status.FAILED:
            say([f"script: {kept.script}"] if kept.script else [])
            return STILL
        say(["its steps show it no more; its test, as it ran:"])
    still = _test(kept, folder, options)
    say([f"{seen.id} is {'still found' if still else 'not found any more'}"])
    return still


def is_as_found(kept: Kept, options: argparse.Namespace) -> bool:
    """Return whether options replay a finding on the schema and the server that it was found on."""
    folder = options.migrations
    named = {
        option: getattr(options, attribute) or os.environ.get(variable)
        for attribute, option, variable in SETTINGS
    }
    return (folder is None or folder.resolve() == Path(kept.run.migrations)) and all(
        f"{option}={value}" in kept.run.request for option, value in named.items() if value
    )


def _stop(kept: Kept, folder: Path, options: argparse.Namespace, say: Say) -> None:
    """Do what came before a step, and open psql there, or say how to come there."""
    psql, given, why = stopping.can_look(options)
    schedule = kept.seen.schedule
    if why and not schedule:
        say(stopping.told(kept, options.to, why))
        return
    with _sandbox(kept, folder, options) as made:
        if schedule:
            stopping.stop_race(schedule, options.to, made, (psql, given, why), say)
        else:
            stopping.stop(kept, options.to, made, (psql, given), say)


@contextmanager
def _sandbox(
    kept: Kept, folder: Path, options: argparse.Namespace
) -> Iterator[tuple[Sandbox, str]]:
    """Make a database with the schema; return a sandbox on it, and its address."""
    migrations.load(folder)  # fails before a server has been waited for
    with (
        withdrawn(_request(kept, options)) as completed,
        provision(completed) as server,
        scratch.opened(server) as databases,
    ):
        template = databases.template(folder)
        if kept.run.role:
            try:
                acting.examine(server, kept.run.role)
            except acting.RoleError as error:
                raise ReplayError(str(error)) from None
        with (
            databases.cloned(template, "replay") as database,
            Sandbox(database.conninfo, kept.run.role) as sandbox,
        ):
            yield sandbox, database.conninfo


def _request(kept: Kept, options: argparse.Namespace) -> Request:
    """Return which server: the command's own, the one that was named then, or its major."""
    words = dict(word.split("=", maxsplit=1) for word in _server(kept, options))
    given = {attribute: words.get(option) for attribute, option, _ in SETTINGS}
    return Request.read(given, os.environ)


def _server(kept: Kept, options: argparse.Namespace) -> list[str]:
    """Return the options that name the server."""
    given = {option: getattr(options, attribute) for attribute, option, _ in SETTINGS}
    if any(given.values()):
        return [f"{option}={value}" for option, value in given.items() if value]
    if any(os.environ.get(variable) for _, _, variable in SETTINGS):
        return list(kept.run.request)
    return list(kept.run.request) or ([f"--postgres={kept.run.major}"] if kept.run.major else [])


def _test(kept: Kept, folder: Path, options: argparse.Namespace) -> int:
    """Run the test as it ran, which draws the same; return whether it fails."""
    run, seen = kept.run, kept.seen
    file = Path(seen.file)
    ours = SUITE / file.name  # another installation of the suite may have found it
    own = ours if file.parent.name == SUITE.name and ours.exists() else file
    where = run.folder if Path(run.folder).is_dir() else None
    command = [
        *(sys.executable, "-P", "-m", "pytest", *ALONE, f"{own}::{seen.test}"),
        *("-p", PLUGIN, "-p", OUTCOME),
        *(f"--hypothesis-seed={run.seed}", f"--hypothesis-profile={run.profile}"),
        *(f"--migrations={folder.resolve()}", *_server(kept, options), *run.options),
        *("--conformance-findings=none", "-n", "0", "-p", "no:cacheprovider", "-q"),
        *([f"{chosen.OPTION}={run.domain}"] if run.domain else []),
    ]
    code = subprocess.run(command, cwd=where, check=False).returncode  # noqa: S603 - this suite
    if code not in (STILL, GONE):
        message = f"the test of {seen.id} did not come to its end: pytest ended with {code}"
        raise ReplayError(message)
    return code
