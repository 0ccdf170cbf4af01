"""``python -m conformance init``: a rules file to go on from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.engine.arguments import add_scratch
from conformance.engine.console import sentence
from conformance.engine.postgres.request import SETTINGS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from conformance.engine.init.declared import Declarations

SUMMARY: Final = "write a rules file from what the catalogue of a schema states"
ABOUT: Final = sentence(
    f"{SUMMARY}: of a database, which is only read, or of a folder of migrations"
)
# Names of folders that say nothing of what is in them.
GENERAL: Final = frozenset({"db", "migrations", "schema", "sql"})
SHOWN: Final = 15  # lines on what was not derived; the file has all of them


class InitError(Exception):
    """A rules file that cannot be written; its text says why."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of ``python -m conformance``."""
    parser = commands.add_parser("init", help=SUMMARY, description=ABOUT)
    parser.add_argument(
        "source",
        metavar="URL|DIR",
        nargs="?",
        default=os.environ.get("DATABASE_URL"),
        help="the database, or the folder of the *.sql files (default: $DATABASE_URL)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        default=Path("rules.py"),
        help="the file to write (default: %(default)s)",
    )
    parser.add_argument("--name", metavar="NAME", help="what to call the domain")
    parser.add_argument(
        "--force", action="store_true", help="write over a file that is there already"
    )
    add_scratch(parser)
    parser.set_defaults(run=_run, undone="nothing was written")


def _run(options: argparse.Namespace) -> None:
    if not options.source:
        message = "no schema: give its URL or its folder, or set DATABASE_URL"
        raise InitError(message)
    output: Path = options.output
    refuse(output, force=options.force)
    given = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
    declarations = write(options.source, output, options.name, given)
    for line in summary(declarations, output, options.source):
        sys.stdout.write(f"{line}\n")


def refuse(output: Path, *, force: bool) -> None:
    """Refuse a file that cannot be written, before anything else is done.

    Raises:
        InitError: it is there, or cannot be there.
    """
    if output.suffix != ".py" or not output.stem.isidentifier():
        message = f"{output} is no name of a Python module: end it in .py, such as rules.py"
        raise InitError(message)
    if not output.parent.is_dir():
        message = f"there is no folder {output.parent} to write {output.name} into"
        raise InitError(message)
    if output.exists() and not force:
        message = f"{output} is there already: name another --output, or give --force"
        raise InitError(message)


def write(
    source: str, output: Path, name: str | None, given: dict[str, str | None]
) -> Declarations:
    """Write the rules file of a schema.

    Args:
        source: an address or a folder.
        output: the file.
        name: of the domain; None for one that follows from the source.
        given: which scratch server to use.

    Raises:
        InitError: the schema has no table, or the file cannot be written.
    """
    from conformance.engine.audit.target import TargetError  # noqa: PLC0415 - psycopg, where it is needed
    from conformance.engine.init import catalogue, sources  # noqa: PLC0415 - as above
    from conformance.engine.init.declared import Declarations  # noqa: PLC0415 - as above
    from conformance.engine.init.page import page  # noqa: PLC0415 - as above
    from conformance.engine.init.probe import Probe  # noqa: PLC0415 - as above

    folder = is_folder(source)
    try:
        with sources.opened(Path(source) if folder else source, given) as connection:
            read = catalogue.read(connection)
            declarations = Declarations(read, Probe(connection))
            called = name or (_name_of(Path(source)) if folder else connection.info.dbname)
    except TargetError as error:
        raise InitError(str(error)) from None
    if not read.tables:
        message = "the schema public has no table: nothing to begin with"
        raise InitError(message)
    text = page(called, declarations, _place(Path(source), output) if folder else "")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}"
        raise InitError(message) from None
    return declarations


def summary(declarations: Declarations, output: Path, source: str) -> Iterator[str]:
    """Yield what was done, what was not, and what to do next, on one screen."""
    rules = declarations.rules
    tables = len({rule.table for rule in rules})
    yield f"{output}: {len(rules)} rules of {tables} tables"
    gaps = declarations.gaps
    if gaps:
        yield "not derived:"
        yield from (f"  {what}: {why}" for what, why in gaps[:SHOWN])
        if len(gaps) > SHOWN:
            yield f"  and {len(gaps) - SHOWN} more, at the end of the file"
    yield "not in any catalogue: caps, moves of a status, what never changes, who may write (TODO)"
    yield f"next: {command(output, source)}"


def command(output: Path, source: str) -> str:
    """Return the command that tries the rules."""
    way = Path(os.path.relpath(output.resolve().with_suffix(""))).parts
    there = all(part.isidentifier() for part in way)
    before = "" if there else f"cd {output.resolve().parent} && "
    module = ".".join(way) if there else output.stem
    # Of a database nobody knows the files that made it; a folder stands in the rules.
    further = "" if is_folder(source) else " --migrations DIR"
    return f"{before}framecast-conformance test --domain {module}{further}"


def is_folder(source: str) -> bool:
    """Return whether a source is a folder, and no address of a database."""
    return "://" not in source and "=" not in source


def _name_of(folder: Path) -> str:
    named = folder.resolve()
    return named.parent.name if named.name in GENERAL else named.name


def _place(folder: Path, output: Path) -> str:
    """Return an expression for a folder, as a module beside it says it."""
    way = Path(os.path.relpath(folder.resolve(), output.resolve().parent)).as_posix()
    if "/" not in way and way not in ("..", "."):
        return f'Path(__file__).with_name("{way}")'
    return f'Path(__file__).parent / "{way}"'
