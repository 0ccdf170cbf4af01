"""Squawk on the files that are pending: what would lock or rewrite a table that is in use."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pglast import ast

from conformance.engine.audit.findings import Fault, Section
from conformance.engine.deployment import dialect, outside
from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate.made_up import Reader
from conformance.engine.gate.parts import body, last, of_block, parsed, statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.parts import Node

NUMBER, TITLE = 3, "lint"
PATIENCE = 120.0  # seconds
OUTSIDE = "--no-assume-in-transaction"
ROBUST = "prefer-robust-stmts"  # IF NOT EXISTS, which takes an invalid index for a whole one
SYNTAX = "syntax-error"
# Rules about style, and those of which other sections tell where they are right: of what a column
# holds by default, or takes, suite and rehearsal; of rewriting, and of values, section 7; of rights
# to a view, the rehearsal. A type that is in use cannot be dropped, but with its columns.
ADVICE = (
    *("ban-char-field", "prefer-bigint-over-smallint", "prefer-bigint-over-int", "prefer-identity"),
    *("prefer-text-field", "prefer-timestamp-tz", "prefer-repack", "require-table-schema"),
    *("require-enum-value-ordering", "ban-create-domain-with-constraint"),
    *("adding-field-with-default", "ban-drop-default", "ban-drop-not-null", "changing-column-type"),
    *("ban-drop-domain", "ban-drop-type", "ban-drop-view"),
)
HARMLESS = "a note alone: style, or other sections tell where it does harm"
EXCUSE = "squawk-ignore"
ROWS = (ast.SelectStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)
MAKING = (ast.CreateStmt, ast.CreateTableAsStmt, ast.ViewStmt)
NO_EXCUSE = (EXCUSE, "squawk-passed")  # the same length, so that places stay what they are
# Runs when there is no configuration beside the migrations: as `migrate` runs each file.
WITHOUT_CONFIGURATION = (
    "--assume-in-transaction",
    "--exclude=require-lock-timeout,require-statement-timeout",
)


def lint(files: Sequence[Migration], major: int) -> Section:
    """Lint files as Squawk's configuration beside them says, for the target's major."""
    section = Section(NUMBER, TITLE, "nothing is pending", asked=not files)
    if not files:
        return section
    program = _program()
    if program is None:
        remedy = "install it: pip install squawk-cli"
        section.faults.append(Fault("squawk", "not found beside Python or on the PATH", remedy))
        return section
    home = files[0].path.resolve().parent
    configuration = next(filter(Path.is_file, _configurations(home)), None)
    command = [
        program,
        "--reporter=json",
        f"--pg-version={major}.0",
        *(() if configuration else WITHOUT_CONFIGURATION),
    ]
    try:
        excluded = _excluded(configuration) if configuration else ()
        for file in files:
            alone = (OUTSIDE,) if outside.says_so(file) else ()
            _look_at(file, _Squawk([*command, *alone], home), excluded, section)
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError, KeyError) as error:
        section.faults.append(
            Fault("squawk", f"gave no answer: {error}", f"run it by hand: {' '.join(command)}")
        )
        return section
    section.asked = True
    section.summary = f"squawk on {', '.join(file.name for file in files)}"
    return section


class _Squawk(NamedTuple):
    """Call of the linter: its arguments and its folder."""

    command: list[str]
    home: Path

    def findings(self, name: str, text: str) -> list[dict[str, object]]:
        """Lint a text; as a path, a name may be read as an option or as a pattern."""
        done = subprocess.run(  # noqa: S603 - the linter, on files that are to be run anyway
            [*self.command, f"--stdin-filepath={name}"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            cwd=self.home,
        )
        found: list[dict[str, object]] = json.loads(done.stdout or "null")
        return found


def _look_at(file: Migration, squawk: _Squawk, excluded: Sequence[str], section: Section) -> None:
    """Add what is found in one file: as findings, and what is excused as notes."""
    every, found = _found(file, file.sql, squawk)
    made = {name for node, *_ in statements(file.sql) for name in _made_by(node)}
    for begins, text in _blocks(file.sql):
        line = line_of(file.sql, begins) - 1
        inside = _found(file, text, squawk, made)
        for all_of_them, some in zip((every, found), inside, strict=True):
            all_of_them += [{**each, "line": line} for each in some]
    by = f"a comment with {EXCUSE}"
    if any(fnmatch(file.name, pattern) for pattern in excluded):
        found, every, by = [], found + every, "excluded_paths of .squawk.toml"
    advice = [each for each in found if each["rule_name"] in ADVICE]
    section.faults += dict.fromkeys(_fault(each) for each in found if each not in advice)
    section.notes += dict.fromkeys(f"{_place(each)}: {_what(each)}: {HARMLESS}" for each in advice)
    excused = {(_place(each), _what(each)) for each in every}
    excused -= {(_place(each), _what(each)) for each in found}
    section.notes += [f"{place}: {what}: excused by {by}" for place, what in sorted(excused)]


def _found(
    file: Migration, text: str, squawk: _Squawk, made: Collection[str] = ()
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return what would be found in a text if nothing were excused, where it says so, and what is.

    Args:
        file: which it is of.
        text: to lint.
        squawk: which lints it.
        made: what the file makes beside.
    """
    found = squawk.findings(file.name, text)
    if outside.says_so(file):  # `migrate` looks what is there, and whether it is whole
        found = [each for each in found if each["rule_name"] != ROBUST]
    found = [each for each in found if not _renames_what_is_inside(each)]
    own = _of_its_own(text, made)
    found = [each for each in found if int(str(each["line"])) + 1 not in own]
    if dialect.refusal(file):  # which says more of what is no SQL
        found = [each for each in found if each["rule_name"] != SYNTAX]
    every = squawk.findings(file.name, text.replace(*NO_EXCUSE)) if EXCUSE in text else []
    return every, found


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """Yield what blocks of a file run beside queries, each with its place and what it excuses."""
    if "do" not in text.lower():
        return
    ignored = [line for line in text.splitlines() if f"{EXCUSE}-file" in line]
    for node, said, begins in statements(text):
        tree = body(said) if isinstance(node, ast.DoStmt) else None
        reader = Reader(tree or [], {}, None)
        parts = of_block(said) if tree else None
        made = (
            reader.text(query) if dynamic else query for query, dynamic in (parts or {}).items()
        )
        run = [each for each in made if each and any(map(_is_utility, parsed(each)))]
        if run:
            above = [line for line in said.splitlines() if f"{EXCUSE} " in line]
            lines = [" ".join(each.split()) for each in run]
            yield (
                begins + len(said) - len(said.lstrip()),
                "\n".join((*ignored, *("\n".join((*above, f"{each};")) for each in lines))),
            )


def _is_utility(node: Node) -> bool:
    return not isinstance(node, ROWS)


def _renames_what_is_inside(found: dict[str, object]) -> bool:
    """Return whether it is about a new name of an index or a constraint: nobody asks by that.

    By which name a rule rejects, the suite asks.
    """
    said = str(found["message"])
    of_these = said.startswith(("Renaming an index ", "Renaming a constraint "))
    return found["rule_name"] == "renaming-object" and of_these


def _of_its_own(text: str, before: Collection[str] = ()) -> set[int]:
    """Return the lines in which a text drops, or indexes, what its file has made before."""
    made = set(before)
    lines = set()
    for statement, _, begins in statements(text):
        node: Node = statement
        if isinstance(statement, ast.DropStmt):
            parts = [getattr(each, "objname", each) for each in node.objects]
            named = {
                getattr(each[-1], "sval", "") if isinstance(each, tuple) else "" for each in parts
            }
        else:
            named = {node.relation.relname} if isinstance(statement, ast.IndexStmt) else set()
        if named and named <= made:
            lines.add(line_of(text, begins))
        made |= _made_by(node)
    return lines


def _made_by(statement: object) -> set[str]:
    """Return the table, view or function that a statement makes."""
    node: Node = statement
    if isinstance(statement, ast.CreateFunctionStmt):
        return {last(node.funcname)}
    if isinstance(statement, MAKING):
        into = getattr(node, "into", None)
        return {(into.rel if into else getattr(node, "view", None) or node.relation).relname}
    return set()


def _configurations(home: Path) -> Iterator[Path]:
    return (place / ".squawk.toml" for place in (home, *home.parents))


def _excluded(configuration: Path) -> Sequence[str]:
    with configuration.open("rb") as file:
        return tuple(tomllib.load(file).get("excluded_paths", ()))


def _fault(found: dict[str, object]) -> Fault:
    helps = " ".join(str(found.get("help") or "").split())
    excuse = f"or excuse it where it stands: -- {EXCUSE} {found['rule_name']}"
    return Fault(_place(found), _what(found), f"{helps.rstrip('.') or 'rewrite it'}, {excuse}")


def _place(found: dict[str, object]) -> str:
    return f"{found['file']}:{int(str(found['line'])) + 1}"


def _what(found: dict[str, object]) -> str:
    return f"{' '.join(str(found['message']).split())} ({found['rule_name']})"


def _program() -> str | None:
    beside = Path(sys.executable).with_name("squawk")
    return str(beside) if beside.is_file() else shutil.which("squawk")
