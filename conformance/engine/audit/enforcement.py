"""Comparison of what enforces the rules on a database in use with what its migrations make."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.audit import books, drift, powers
from conformance.engine.audit.description import describe
from conformance.engine.audit.findings import Section
from conformance.engine.audit.target import Limits, TargetError, reading
from conformance.engine.domain.chosen import RULES
from conformance.engine.postgres import ProvisionError, Request, provision, scratch
from conformance.engine.sql.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.postgres.scratch import Scratch

NUMBER, TITLE = 8, "enforcement"


def inspect(conn: Connection, expected: Description, found: Description | None = None) -> Section:
    """Compare a database with what its migrations make, and look who could switch rules off."""
    section = Section(NUMBER, TITLE)
    found = describe(conn) if found is None else found
    faults, notes = drift.compare(expected, found)
    section.faults += faults
    section.notes += notes
    faults, notes = powers.look(conn)
    section.faults += faults
    section.notes += notes
    faults, notes = books.look(conn, expected)
    section.faults += faults
    section.notes += notes
    section.notes += switched_off(expected)
    section.summary = f"{len(expected)} objects compared with the migrations"
    section.asked = True
    return section


def switched_off(expected: Description) -> list[str]:
    """Name each rule of which the applied files themselves have taken away what enforces it."""
    return [
        f"{rule} is off there: the applied files do not make {', '.join(gone)}, "
        "or have taken it away"
        for rule, gone in off(expected).items()
    ]


def off(description: Description) -> dict[str, list[str]]:
    """Return the rules of which a schema lacks something that enforces them, and what."""
    # A trigger's function may refuse in another name than the trigger's.
    made = "\n".join(
        f"{name} {definition}"
        for (kind, name), definition in description.items()
        if kind != "comment"
    )
    lacking = {
        rule.id: [
            name for each in rule.enforced_by if (name := named_as_described(each)) not in made
        ]
        for rule in RULES.values()
    }
    return {rule: gone for rule, gone in lacking.items() if gone}


def named_as_described(enforcement: str) -> str:
    """Return what the name of an object in a description holds, where the catalogue names it."""
    kind, _, name = enforcement.rpartition(" ")
    table, _, trigger = name.partition(".")
    if kind == "column":
        return f"{quoted(table)}.{quoted(trigger)}"
    return f"{trigger} on public.{table}" if kind == "trigger" else name


def expected_of(scratch: Scratch, files: Sequence[Migration]) -> Description:
    """Install migrations on a scratch server, and return what they make."""
    with folder_of(files) as folder:
        template = scratch.template(folder)
    clone = scratch.cloned(template, "as_it_should_be")
    with clone as database, reading(database.conninfo, Limits()) as conn:
        return describe(conn)


@contextmanager
def scratch_of(
    major: int, options: Mapping[str, str | None], environ: Mapping[str, str]
) -> Iterator[Scratch]:
    """Bring a scratch server of the target's own major, from wherever there is one.

    Raises:
        TargetError: there is none: what another major makes says nothing of this one.
    """
    request = request_of(major, options, environ)
    with provision(request) as server:
        if server.major != major:
            message = (
                f"the target is PostgreSQL {major}, and the scratch server {server.origin}: "
                f"name one of the target's major, such as --postgres {major}"
            )
            raise TargetError(message)
        with scratch.opened(server) as opened:
            yield opened


def request_of(
    major: int, options: Mapping[str, str | None], environ: Mapping[str, str]
) -> Request:
    """Return the server that was asked for, or else one of the major, wherever there is one.

    Raises:
        ProvisionError: two were asked for at once.
    """
    asked = Request.read(options, environ)
    return Request(major=major) if asked == Request() else asked


@contextmanager
def folder_of(files: Sequence[Migration]) -> Iterator[Path]:
    """Put some migrations into a folder of their own, for the length of a ``with`` block."""
    folder = Path(tempfile.mkdtemp(prefix="framecast-conformance-files-"))
    try:
        for file in files:
            (folder / file.name).write_text(file.sql, encoding="utf-8", newline="")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = [
    "ProvisionError",
    "expected_of",
    "folder_of",
    "inspect",
    "named_as_described",
    "request_of",
    "scratch_of",
]
