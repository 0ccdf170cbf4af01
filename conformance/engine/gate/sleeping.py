"""Pauses in pending files, during which others wait for what the file has locked.

The rehearsal has few rows: a statement that sleeps for each of them is over soon there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pglast import ast

from conformance.engine.audit.findings import Fault
from conformance.engine.deployment import outside
from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate.excused import settle
from conformance.engine.gate.parts import last, of_block, statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.called import Bodies

PAUSE: Final = re.compile(r"\bpg_sleep(?:_for|_until)?\b", re.IGNORECASE)
HOLDING: Final = "sleeps, and others wait as long for what it has locked"
FIRING: Final = "makes a trigger that sleeps whenever somebody writes"
REMEDY: Final = "let nobody wait for it, or say why: -- waives LOCK pg_sleep: reason"
IDLE: Final = (ast.SelectStmt, ast.VariableSetStmt)


def look(
    files: Sequence[Migration], bodies: Bodies, waivers: Sequence[Waiver]
) -> tuple[list[Fault], list[str]]:
    """Return where files sleep with locks; one that runs outside a transaction holds none."""
    into: tuple[list[Fault], list[str]] = ([], [])
    for file in files:
        own = [each for each in waivers if each.file == file.name]
        for begins, what in () if outside.says_so(file) else _pauses(file, bodies):
            fault = Fault(f"{file.name}:{line_of(file.sql, begins)}", what, REMEDY)
            settle(fault, {"LOCK pg_sleep"}, own, into)
    return into


def _pauses(file: Migration, bodies: Bodies) -> Iterator[tuple[int, str]]:
    every = [*statements(file.sql)]
    holds = any(not isinstance(node, IDLE) for node, *_ in every)
    for node, text, begins in every:
        if isinstance(node, ast.CreateFunctionStmt):
            fires = node.returnType is not None and last(node.returnType.names) == "trigger"
            if fires and _sleeps(text):
                yield begins, FIRING
            continue
        names = [last(each.funcname) for each in below((node,)) if isinstance(each, ast.FuncCall)]
        run = [each for name in names for each in bodies.of(name)]
        run += [text] if isinstance(node, ast.DoStmt) else []
        if any(map(_sleeps, run)) or (holds and any(map(PAUSE.fullmatch, names))):
            yield begins, HOLDING


def _sleeps(text: str) -> bool:
    """Return whether a block, or a statement that makes a function, says so beside its comments."""
    parts = of_block(text) if PAUSE.search(text) else {}
    return PAUSE.search(text if parts is None else "\n".join(parts)) is not None
