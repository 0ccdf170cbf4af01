"""Sections of the gate, how hard to try them, and what ends one early."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pglast import ast

from conformance.engine.audit import enforcement, snapshot
from conformance.engine.audit.findings import Fault, Section
from conformance.engine.deployment import migrations, reach, record
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate import compare, made_up, rehearsal
from conformance.engine.gate import lint as linter
from conformance.engine.gate.parts import statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.deployment.migrations import Migration

MAKING_UP = (ast.DoStmt, ast.CreateFunctionStmt)
AGAIN = "nothing is known of it until it can be asked: do that, and run the gate again"
ELSEWHERE = (
    "it was built without that: name one that was built as the target is, by --postgres-image, "
    "--postgres-bin or --scratch-url"
)
TITLES = {
    1: "target",
    2: "files",
    linter.NUMBER: linter.TITLE,
    4: "suite",
    rehearsal.NUMBER: rehearsal.TITLE,
    compare.NUMBER: compare.TITLE,
    snapshot.NUMBER: snapshot.TITLE,
    enforcement.NUMBER: enforcement.TITLE,
}


@dataclass(frozen=True)
class Effort:
    """Effort of the gate: profile, seed and states.

    Attributes:
        profile: Hypothesis', for the suite on each schema.
        timeout: seconds that each of its runs may take.
        keep_going: whether to ask what takes minutes even where something is wrong already.
        seed: what the rehearsal's random runs draw.
    """

    profile: str
    timeout: float
    seed: int
    keep_going: bool = False


def refusals(file: Migration) -> Iterator[Fault]:
    """Yield what of a file is for another program, or reaches beyond the database."""
    for refuse in (migrations.refuse_foreign_parts, migrations.refuse_reach):
        try:
            refuse(file)
        except MigrationError as error:
            place, _, what = str(error).removeprefix(f"{file.path.parent}{os.sep}").partition(": ")
            what, _, remedy = what.rpartition(": ")
            yield Fault(place, what, remedy)
    for node, text, begins in statements(file.sql):
        place = f"{file.name}:{line_of(file.sql, begins)}"
        for made in made_up.told(text) if isinstance(node, MAKING_UP) else ():
            if reaches := reach.what(made):
                what = f"makes up {reaches}, which would reach the server's machine"
                yield Fault(place, what, reach.REMEDY)
        relations = [getattr(each, "relation", None) for each in below(node)]
        if any(
            isinstance(each, ast.RangeVar) and each.relname == record.TABLE for each in relations
        ):
            yield Fault(
                place, f"writes to {record.TABLE}", "that is migrate's to keep: take it out"
            )


def unsettled(section: Section, error: Exception) -> Section:
    """Add to a section that a scratch server, or what is installed there, ended it."""
    if isinstance(error.__context__, KeyboardInterrupt):  # it came of cleaning up after Ctrl-C
        raise error.__context__
    said = " ".join(str(error).split())
    remedy = ELSEWHERE if migrations.LACKS.search(said) else AGAIN
    section.faults.append(Fault("scratch server", said, remedy))
    return section


def section_of(number: int, summary: str = "") -> Section:
    """Begin a section."""
    return Section(number, TITLES[number], summary)
