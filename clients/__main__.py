"""Let every client do every flow, and print what became of it: the tables of docs/clients.md.

    python -m clients --postgres 15 --postgres 18 --before FOLDER

With --before, a cell says first what becomes of it with that folder's schema. What each refusal
said goes to the error output.
"""

import argparse
import sys
from pathlib import Path

from clients.flows import flows, mistakes
from clients.harness import CLIENTS
from clients.preparing import prepare
from clients.table import measured, written

MIGRATIONS = Path("migrations")


def main(arguments: list[str]) -> None:
    """Print the tables.

    Args:
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m clients", description=__doc__)
    parser.add_argument("--postgres", type=int, action="append", metavar="MAJOR")
    parser.add_argument("--before", type=Path, metavar="FOLDER")
    parser.add_argument("--migrations", type=Path, default=MIGRATIONS, metavar="FOLDER")
    parser.add_argument("--client", choices=CLIENTS, action="append")
    parser.add_argument("--flow", action="append")
    given = parser.parse_args(arguments)
    folders = [each for each in (given.before, given.migrations) if each]
    prepare()
    for table in (flows(), mistakes()):
        wanted = [flow for flow in table.values() if not given.flow or flow.name in given.flow]
        if wanted:
            seen = measured(
                given.postgres or [None], folders, given.client or list(CLIENTS), wanted
            )
            sys.stdout.write(written(seen) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
