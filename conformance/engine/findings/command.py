"""`python -m conformance findings`, and `python -m conformance replay ID`."""

from __future__ import annotations

import re
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.arguments import UNASKED, add_server, positive
from conformance.engine.console import say, sentence, width
from conformance.engine.domain.names import rule as named
from conformance.engine.findings import store
from conformance.engine.report.causes import first_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from conformance.engine.findings.kept import Kept

LIST = "list what runs have found and kept, in this folder or the nearest above that has some"
AGAIN = "try again what a run has found, on the schema and the version that it was found on"
MOST = 3  # other folders that are named
LEAST = 20  # characters of what was observed
INDENT = "    "  # of it, where it has a line of its own
PARAMETER = re.compile(r"\[[^\]]+\]$")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register both commands."""
    listing = commands.add_parser("findings", help=LIST, description=sentence(LIST))
    listing.add_argument("--rule", metavar="RULE", help="only those of a rule, such as INV-T2")
    listing.add_argument(
        "--folder", metavar="DIR", type=Path, help="list those that are kept in this folder"
    )
    listing.set_defaults(run=run_list, undone="")
    replaying = commands.add_parser(
        "replay",
        help=AGAIN,
        description=sentence(f"{AGAIN}: its steps first, and where they do not show it, its test")
        + " The exit code is 1 if it is still found, 0 if not, and 2 if it could not be tried.",
    )
    replaying.add_argument(
        "id", metavar="ID", help="as `findings` lists it, the beginning of it, or its file"
    )
    replaying.add_argument(
        "--to",
        metavar="N",
        type=positive,
        help="stop before step N, and open psql there, on SQL from a pipe too; its scratch "
        "database ends with psql",
    )
    add_server(replaying, "those that it was found on")
    replaying.set_defaults(run=run_replay, undone="", migrations=None, unasked=UNASKED)


def run_list(options: argparse.Namespace) -> None:
    """List what is kept; raises UnknownRuleError as for any name of a rule."""
    rule = named(options.rule).id if options.rule else None
    folder = options.folder or store.near(Path.cwd())
    found = [each for each in store.inside(folder) if rule in (None, each.seen.rule)]
    say(*table(found))
    about = f" of {rule}" if rule else ""
    count = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
    say(
        f"{count}{about} in {folder}" if folder.is_dir() else f"nothing is kept here{about}",
        plain=True,
    )
    if not found and options.folder is None:
        say(*_elsewhere(store.others(folder)), plain=True)


def run_replay(options: argparse.Namespace) -> int:
    """Replay a finding; return 1 where it is still found.

    Raises:
        UnknownFindingError: There is none of that name.
        SeveralFindingsError: There are several, which are listed, the newest first.
        UnreadableFindingError: Its file holds none.
        ReplayError: It cannot be replayed.
        ProvisionError: There is no server.
        MigrationError: The migrations cannot be installed.
    """
    from conformance.engine.findings import replaying  # noqa: PLC0415 - the others need no server

    try:
        kept = store.find(options.id, Path.cwd())
    except store.SeveralFindingsError as error:
        say(*table(sorted(error.found, key=lambda each: each.last, reverse=True)))
        raise
    still = replaying.replay(kept, options, lambda lines: say(*lines, plain=True))
    if not still and options.to is None and replaying.is_as_found(kept, options):
        store.drop(kept)
        say(f"dropped from {kept.place.parent if kept.place else Path()}", plain=True)
    return still


def _elsewhere(others: Mapping[Path, int]) -> Iterable[str]:
    """Yield where findings are, the folders of the last runs first; others are only counted."""
    yield from (f"{count} in {other}" for other, count in [*others.items()][:MOST])
    if len(others) > MOST:
        yield f"and in {len(others) - MOST} other folders: replay finds them all by their ids"


def table(found: Iterable[Kept]) -> Iterable[str]:
    """Yield a line each: id, verdict, last day, write path, and what was observed."""
    found = [*found]
    alike = Counter(map(_shown, found))
    for each in found:
        seen = each.seen
        head = f"{seen.id:<28} {seen.verdict:<11} {each.last[:10]}  {seen.path:<16} "
        # What tells two races of one rule apart is in the names of their tests.
        test = PARAMETER.findall(seen.test) if alike[_shown(each)] > 1 else ()
        said = " ".join((*test, first_line(seen.observed)))
        if width() - len(head) < max(LEAST, *(len(f"{name} …") for name in test), 0):
            yield head.rstrip()
            head = INDENT
        yield head + textwrap.shorten(said, max(width() - len(head), LEAST), placeholder="…")
    sys.stdout.flush()


def _shown(kept: Kept) -> tuple[str, ...]:
    seen = kept.seen
    return seen.rule, seen.verdict, seen.path, first_line(seen.observed)
