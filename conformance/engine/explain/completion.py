"""`framecast-conformance completion SHELL`: what a shell reads to complete the command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from conformance.engine.console import sentence
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT: Final = "framecast-conformance"
SHELLS: Final = ("bash", "zsh", "tcsh", "fish", "powershell")
SUMMARY = "print what a shell completes this command by: commands, options, rules, files"
DESCRIPTION = f"""{sentence(SUMMARY)} For one session of bash:
eval "$({SCRIPT} completion bash)"; for all of zsh: {SCRIPT} completion zsh > a file _{SCRIPT} in
a folder of $fpath; of fish: ~/.config/fish/completions/{SCRIPT}.fish."""
RULE_NAMES = frozenset({"RULE", "TOKEN"})  # the metavars of arguments that take a rule


def add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], whole: argparse.ArgumentParser
) -> None:
    """Register the command, which completes all commands of a parser."""
    parser = commands.add_parser("completion", help=SUMMARY, description=DESCRIPTION)
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(run=lambda options: _run(whole, options.shell), undone="")


def commands(parser: argparse.ArgumentParser) -> list[str]:
    """Return the names of a parser's commands."""
    return [
        name
        for action in parser._actions  # noqa: SLF001 - as below
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - as below
        for name in action.choices
    ]


def _run(parser: argparse.ArgumentParser, shell: str) -> None:
    import shtab  # noqa: PLC0415 - only who completes waits for it

    parser.prog = SCRIPT
    rules = shtab.cmd(f"echo {' '.join(RULES)}")
    for action in _actions(parser):
        if action.metavar in RULE_NAMES:
            cast("Any", action).complete = rules
        elif action.metavar == "DIR":
            cast("Any", action).complete = shtab.DIRECTORY
        elif action.type is Path:
            cast("Any", action).complete = shtab.FILE
    sys.stdout.write(f"{shtab.complete(parser, shell)}\n")


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of all its commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for each in action.choices.values():
                yield from _actions(each)
