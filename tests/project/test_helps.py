"""Help texts of the commands: sentences, with the defaults that there are."""

import re
from argparse import ArgumentParser, _SubParsersAction
from typing import Final

import pytest

from conformance.commands import command_parser

COMMANDS: Final[dict[str, ArgumentParser]] = next(
    each.choices for each in command_parser()._actions if isinstance(each, _SubParsersAction)
)
# Names that have capitals.
LOWERED: Final = re.compile(r"\b(?:dir|json|sql|postgresql|dask)\b")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_is_readable(name: str) -> None:
    """A description is a sentence that keeps its names; each option says what it takes."""
    parser = COMMANDS[name]
    shown = " ".join(parser.format_help().split())
    description = parser.description or ""

    assert description[:1].isupper()
    assert description.rstrip().endswith(".")
    assert not LOWERED.search(description)
    assert "default: None" not in shown
    assert [] == [each.dest for each in parser._actions if not each.help and each.dest != "shell"]
    values = (each for each in parser._actions if each.option_strings and each.nargs != 0)
    unsaid = (each for each in values if not each.choices)
    assert [] == [each.dest for each in unsaid if each.metavar in {None, "VALUE"}]


def test_the_options_of_a_run_are_told() -> None:
    """`test` hands its options on to pytest: its help has the usual ones, and where all are."""
    shown = " ".join(COMMANDS["test"].format_help().split())

    for option in ("--rule", "-k", "--migrations", "--conformance-report"):
        assert option in shown
    assert "`pytest --pyargs conformance --help`" in shown
