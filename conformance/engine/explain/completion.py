"""`framecast-conformance completion SHELL`: what a shell reads to complete the command."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.console import sentence
from conformance.engine.domain.chosen import RULES
from conformance.engine.findings.store import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT: Final = "framecast-conformance"
SHELLS: Final = ("bash", "zsh", "tcsh", "fish", "powershell")
SUMMARY = "print what a shell completes this command by: commands, options, rules, findings, files"
DESCRIPTION = f"""{sentence(SUMMARY)} For one session of bash:
eval "$({SCRIPT} completion bash)"; for all of zsh: {SCRIPT} completion zsh > a file _{SCRIPT} in
a folder of $fpath; of fish: ~/.config/fish/completions/{SCRIPT}.fish."""
PLUGIN: Final = "conformance.plugin"
# What runs are most often narrowed by.
OF_PYTEST: Final = {
    ("-k",): "EXPRESSION",
    ("-n",): "N",
    ("-x",): "",
    ("-v", "--verbose"): "",
    ("-q", "--quiet"): "",
    ("--hypothesis-seed",): "SEED",
    ("--hypothesis-profile",): "NAME",
}
VERDICTS: Final = tuple(each.replace(" ", "-") for each in (*map(str, Verdict), NOT_RUN))
# The findings of the nearest folder that has some.
KEPT: Final = (
    f'd=$PWD; until [ -d "$d/{FOLDER}" ] || [ -z "$d" ]; do d=${{d%/*}}; done; '
    f"""ls "$d/{FOLDER}" 2>/dev/null | sed -n 's/[.]json$//p'"""
)
# Of awk: lines that begin with what was typed, as far as case, dash and underscore go.
SAME: Final = (
    'function same(s) { s = tolower(s); gsub("_", "-", s); return s } '
    "index(same($0), same(typed)) == 1"
)
MATCHER: Final = "m:{[:lower:][:upper:]_-}={[:upper:][:lower:]-_}"  # of zsh
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
    return [*_commands(parser)]


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return {
        name: each
        for action in parser._actions  # noqa: SLF001 - as below
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - as below
        for name, each in action.choices.items()
    }


def _add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run to what only hands them on to pytest."""
    from _pytest.config import get_config  # noqa: PLC0415 - pytest has no public way to ask

    config = get_config()
    config.pluginmanager.import_plugin(PLUGIN)
    (group,) = (each for each in config._parser._groups if each.name == "conformance")  # noqa: SLF001 - as above
    for option in group.options:
        takes = {key: option.attrs()[key] for key in ("metavar", "nargs", "help")}
        takes = takes if takes["nargs"] != 0 else {"help": takes["help"], "action": "store_true"}
        parser.add_argument(*option.names(), **takes)
    for names, metavar in OF_PYTEST.items():
        takes = {"metavar": metavar} if metavar else {"action": "store_true"}
        parser.add_argument(*names, help=f"of pytest: {names[-1]}", **takes)


def _run(parser: argparse.ArgumentParser, shell: str) -> None:
    import shtab  # noqa: PLC0415 - only who completes waits for it

    parser.prog = SCRIPT
    words = {
        **dict.fromkeys(RULE_NAMES, f"echo {' '.join(RULES)}"),
        "WORD": f"echo {' '.join(VERDICTS)}",
        "ID": KEPT,
    }
    _add_options(_commands(parser)["test"])
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in words:
            cast("Any", action).complete = _in_any_case(words[action.metavar])
        elif action.metavar == "DIR":
            cast("Any", action).complete = shtab.DIRECTORY
        elif action.type is Path:
            cast("Any", action).complete = shtab.FILE
    sys.stdout.write(f"{shtab.complete(parser, shell)}\n")


def _in_any_case(command: str) -> dict[str, Any]:
    """Return what completes by the words of a command, in any case, with dash or underscore.

    Of fish and tcsh the shells' own matching decides, and of PowerShell, which heeds no case.
    """
    import shtab  # noqa: PLC0415 - as above

    known: dict[str, Any] = shtab.cmd(command)
    bash = known["bash"]
    zsh = bash.replace("_shtab", f"_{SCRIPT.replace('-', '_')}")
    # The shell puts what it finds in the place of what was typed, whatever that begins with.
    preamble = {
        **known["preamble"],
        "bash": f"{bash}() {{ ({command}) | tr ' ' '\\n' | awk -v typed=\"$1\" '{SAME}'; }}\n",
        "zsh": f"{zsh}() {{ compadd -M '{MATCHER}' -- $({command}); }}\n",
    }
    return {**known, "zsh": zsh, "preamble": preamble}


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of all its commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for each in action.choices.values():
                yield from _actions(each)
