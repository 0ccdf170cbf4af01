"""The command line, as a script or a module: its command is found whatever else has its name.

Importing this module is enough, for processes that a command spawns import the script again: it
imports nothing of the suite, which takes a while.
"""

from __future__ import annotations

from typing import NoReturn

from framecast_conformance.early import arrive, end_at_once
from framecast_conformance.installed import prefer

prefer()


def run() -> NoReturn:
    """Run one command as a process of its own."""
    end_at_once()
    from conformance.commands import run as run_command  # noqa: PLC0415 - signals are heard by now

    arrive()
    run_command()
