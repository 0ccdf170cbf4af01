"""Arguments that several commands of ``python -m conformance`` take."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.engine.domain.chosen import domain, is_chosen
from conformance.engine.postgres.request import SETTINGS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

PRINTED: Final = Path()  # where JSON goes that is for no file
OURS: Final = ".conformance"  # of a project, for what its runs have found
# Names another folder for the findings, or says that there is none.
FINDINGS, NOWHERE = "CONFORMANCE_FINDINGS", "none"
UNASKED: Final = 2  # exit code where 1 is an answer, and there was none
# What each option that names a server takes, and what it means.
HELP = {
    "database_url": ("URL", "run on the server at this address"),
    "image": ("NAME", "run on a container of this image, such as postgres:17"),
    "bin_dir": ("DIR", "run on a server started from the programs in this directory"),
    "major": ("N", "run on this major version, from wherever there is one"),
}


def add_server(parser: argparse.ArgumentParser, unless: str = "%(default)s") -> None:
    """Add the schema under test, and where PostgreSQL is taken from, as pytest has them.

    Args:
        parser: of the command.
        unless: the words for the folder of migrations that is taken where none is named.
    """
    parser.add_argument(
        "--migrations",
        metavar="DIR",
        type=Path,
        default=_migrations(),
        help=f"the schema under test (CONFORMANCE_MIGRATIONS; default: {unless})",
    )
    for attribute, flag, variable in SETTINGS:
        takes, what = HELP[attribute]
        parser.add_argument(flag, dest=attribute, metavar=takes, help=f"{what} ({variable})")


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add the address of a database in use, and the folder of its migrations."""
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        default=os.environ.get("DATABASE_URL"),
        help="the database (default: $DATABASE_URL)",
    )
    parser.add_argument(
        "--migrations",
        metavar="DIR",
        type=Path,
        default=_migrations(),
        help="the folder of the *.sql files (CONFORMANCE_MIGRATIONS; default: %(default)s)",
    )
    parser.add_argument(
        "--record-schema",
        metavar="NAME",
        default="public",
        help="where the table schema_migrations lies (default: %(default)s)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add JSON of what a command says of a database in use, printed or in a file."""
    parser.add_argument(
        "--json",
        metavar="FILE",
        nargs="?",
        const="",
        help="write it as JSON there; without a file, print JSON instead",
    )


def json_of(options: argparse.Namespace) -> Path | None:
    """Return the file that JSON goes to, and forget what it held; PRINTED, where it has none.

    An address that follows the option is the database's, as it was before files could follow.
    """
    given: str | None = options.json
    if given and ("://" in given or "=" in given) and not given.endswith(".json"):
        options.url, given = given, ""
    if given:
        Path(given).unlink(missing_ok=True)  # what an earlier run wrote says nothing of this one
    return None if given is None else Path(given)


def add_scratch(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a scratch server."""
    group = parser.add_argument_group(
        "the scratch server",
        "where the migrations are installed, to compare with; by default one of the database's own "
        "major, from wherever there is one",
    )
    for attribute, flag, variable in SETTINGS:
        flag = "--scratch-url" if attribute == "database_url" else flag  # noqa: PLW2901 - shorter
        takes, what = HELP[attribute]
        group.add_argument(flag, dest=attribute, metavar=takes, help=f"{what} ({variable})")


def _migrations() -> Path:
    """Return the folder that is named, or of the domain that is, or the one that most have."""
    if named := os.environ.get("CONFORMANCE_MIGRATIONS"):
        return Path(named)
    return (domain().migrations if is_chosen() else None) or Path("migrations")


def migrations_of(arguments: Sequence[str]) -> Path:
    """Return the folder of migrations that arguments of pytest's name, or that it takes without."""
    folder: Path = _tested(arguments).migrations
    return folder


def schema_and_server(arguments: Sequence[str]) -> list[str]:
    """Return what names the schema and the server of arguments of pytest's, for other commands."""
    named = _tested(arguments)
    server = ((flag, getattr(named, attribute)) for attribute, flag, _ in SETTINGS)
    return [
        f"--migrations={named.migrations}",
        *(f"{flag}={value}" for flag, value in server if value),
    ]


def _tested(arguments: Sequence[str]) -> argparse.Namespace:
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    add_server(parser)
    return parser.parse_known_args(arguments)[0]


def rules_of(arguments: Sequence[str]) -> list[str]:
    """Return the rules that arguments of pytest's name."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--rule", action="append", default=[])
    rules: list[str] = parser.parse_known_args(arguments)[0].rule
    return rules


def part(text: str) -> tuple[int, int]:
    """Return k and n of `k/n`: the k-th of n parts."""
    which, slash, parts = text.partition("/")
    if slash and which.isdecimal() and parts.isdecimal() and 1 <= int(which) <= int(parts):
        return int(which), int(parts)
    message = f"{text!r} is no part: say 2/8 for the second of eight"
    raise ArgumentTypeError(message)


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        message = f"{text!r} is not a number above 0"
        raise ArgumentTypeError(message)
    return int(text)


def seconds(text: str) -> float:
    """Return a number of seconds that PostgreSQL can count."""
    longest = 2**31 / 1000  # PostgreSQL counts milliseconds in 32 bits
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < longest:
        message = f"{text!r} is not a number of seconds above 0"
        raise ArgumentTypeError(message)
    return number


def duration(text: str) -> float:
    """Return the seconds of a time that may have a unit."""
    units = {"s": 1, "m": 60, "h": 3600}
    unit = units.get(text[-1:], 0)
    try:
        return seconds(text[:-1] if unit else text) * (unit or 1)
    except ArgumentTypeError:
        message = f"{text!r} is not a time, such as 90, 90s, 15m or 2h"
        raise ArgumentTypeError(message) from None
