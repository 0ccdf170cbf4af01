"""Colours say how a rule stands, where somebody looks, and nowhere else."""

import io
from typing import Final

import pytest

from conformance.engine import console
from conformance.engine.console import COLOURED, fitted, say

RED, YELLOW, GREEN = "\x1b[31m", "\x1b[33m", "\x1b[32m"
LINE: Final = "INV-T2 held -> broken  trigger _300_inv_t2__open, [red] unproven"


class Screen(io.StringIO):
    """Terminal, as far as programs ask whether they have one."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def shown(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, *, plain: bool = False) -> str:
    """Return what is printed on an output."""
    monkeypatch.setattr("sys.stdout", out)
    console._on_terminal.cache_clear()
    say(LINE, plain=plain)
    return out.getvalue()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a terminal that knows colours, and nobody who asks for none."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


def test_verdicts_have_colours_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held is green, wrong red, unknown yellow; names of objects stay."""
    end = "\x1b[0m"
    line = LINE.replace("held", f"{GREEN}held{end}").replace("broken", f"{RED}broken{end}")
    line = line.replace("unproven", f"{YELLOW}unproven{end}")

    assert f"{line}\n" == shown(monkeypatch, Screen())


def test_what_there_is_none_of_has_no_colour() -> None:
    """A count of 0 is neither good nor bad; any other is."""
    line = "0 of them broken, 4 shards tried, 0 failed; 10 failed, 3 of them broken"

    assert ["failed", "broken"] == [found[0] for found in COLOURED.finditer(line)]


def test_what_is_not_held_is_wrong() -> None:
    """The word of what holds has no colour of its own where the line says that it does not."""
    found = COLOURED.finditer("failed: 1 rule is not held. 45 held, 2 unproven")

    assert [("red", "failed"), ("red", "not held"), ("green", "held"), ("yellow", "unproven")] == [
        (each.lastgroup, each[0]) for each in found
    ]


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_vanish_where_they_are_not_wanted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With NO_COLOR, and on a terminal that has none, lines are as they are."""
    monkeypatch.setenv(name, value)

    assert f"{LINE}\n" == shown(monkeypatch, Screen())


def test_a_pipe_has_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe is given plain lines, even where other programs are told to colour theirs."""
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert f"{LINE}\n" == shown(monkeypatch, io.StringIO())


def test_words_of_others_have_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQL that has a verdict among its words stays as it is."""
    assert f"{LINE}\n" == shown(monkeypatch, Screen(), plain=True)


@pytest.mark.parametrize("out", [Screen(), io.StringIO()])
def test_lines_fit_a_terminal(out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a long line goes on below its beginning; in a pipe it stays whole."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout", out)
    line = "     note: " + "INV-T2, " * 9

    fit = list(fitted([line]))

    assert ([line] == fit) is not out.isatty()
    assert line.split() == " ".join(fit).split()
    assert not out.isatty() or (max(map(len, fit)) <= 40 and fit[1].startswith("       INV"))
