"""The first ten minutes: what the page shows is what its commands print today."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from conformance.commands import main
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.rules import RULES
from docs import remake
from docs.first_minutes import (
    GIVEN,
    HERE,
    HOME,
    KEPT,
    LAST,
    MATRIX,
    PROOF,
    REPLAY,
    STORY,
    WIDTH,
    act,
    cut,
)
from tests.support.shells import ROOT, commands

# Ids, times, seeds, tallies, ports: other ones each time.
VARYING: Final = re.compile(
    r"PostgreSQL \d[\d.]*(, [\w ]+)?|[0-9a-f]{8}-[0-9a-f-]*|(?<=__)[0-9a-f]{8}\b"
    r"|[-.:+T\d]*\d|/tmp/\S+|(?<=test_rule\[)\w+"
)
OTHERWISE: Final = re.compile(
    r"(INSERT|UPDATE|DELETE|BEGIN|COMMIT|--|[.F]+ +\[) ?"
)  # as drawn, as fast as it is
SPACES: Final = re.compile(r"  +")
CUT: Final = "…"
PAGE: Final = "docs/first-ten-minutes.md"
SURE: Final = WIDTH - 20  # characters of a line, where what varies may be cut or not


def plain(line: str) -> str:
    """Return a line without what is another each time."""
    return SPACES.sub(" ", VARYING.sub("0", line))


def alike(page: str, today: str) -> bool:
    """Return whether two lines say the same, as far as the page has the first."""
    if page.endswith(CUT):
        return plain(today).startswith(plain(page[:SURE]).rstrip())
    return plain(page) == plain(today)


def shown() -> Iterator[tuple[str, list[str]]]:
    """Yield the steps of the story, with what the page shows that a command prints."""
    printed = iter(each for each in commands() if each.page == PAGE)
    for step in STORY:
        if step.startswith("$ "):
            command = next(printed)
            assert step == f"$ {command.text}"
            yield step, list(command.printed)
        elif not step.startswith("`"):
            yield step, []


def expect_same(page: list[str], printed: str) -> None:
    """Expect the lines of the page, as they would be cut today."""
    today = cut(printed).splitlines()
    assert len(page) == len(today), printed
    assert [] == [pair for pair in zip(page, today, strict=True) if not alike(*pair)]


def expect_among(page: list[str], printed: str) -> None:
    """Expect the lines of the page in their order, whatever else was printed."""
    today = iter(cut(printed, most=1000).splitlines())
    for line in page:
        if line != CUT and not OTHERWISE.match(line):
            assert any(alike(line, each) for each in today), f"{line}\n\n{printed}"


def ours(command: str) -> str:
    """Run a command of ours in this process; return what it prints, as a shell would show it."""
    words, _, code_shown = command.partition("; echo")
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = main([os.path.expandvars(word) for word in shlex.split(words)[1:]])
    return said.getvalue() + (f"exit code {code}\n" if code_shown else "")


def shell(command: str) -> str:
    """Run a command that runs the suite; return what it prints, in the order of a terminal."""
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return re.sub(r"/\S*/(?=conformance/)", "", done.stdout)


def test_the_page_shows_what_is_printed(
    scratch: Scratch, empty_template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three users' transcripts show what they would see today, each of them."""
    home = tmp_path / "shop"
    shutil.copytree(ROOT / "migrations", home / "db" / "migrations")
    monkeypatch.chdir(home)
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("CONFORMANCE_FINDINGS", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    steps = list(shown())
    (_, fixed) = (each for each in steps if each[0] == f"$ {REPLAY}")
    with scratch.cloned(empty_template, "minutes") as database:
        monkeypatch.setenv("DATABASE_URL", database.conninfo)
        ours(f"framecast-conformance migrate {HERE}")
        for each in steps:
            step, page = each
            command = step.removeprefix("$ ")
            if act(step, home, database.conninfo):
                continue
            if command.startswith(PROOF) or each is fixed:
                expect_among(page, shell(command).replace(str(home), HOME))
            elif command.startswith("framecast-conformance"):
                printed = ours(command).replace(str(home), HOME)
                expect_same(page, printed.replace(database.name, "postgres"))
    audited = (home / "audit.html").read_text()
    assert all(f'id="{each}"' in audited for each in (*RULES, "mutants", "history", "idle", "run"))
    assert f"{len(RULES)} held</strong>, by the whole suite" in audited


def test_what_is_remade_is_what_is_shown() -> None:
    """Whoever makes the reports anew makes each picture of the page, and what is said of it."""
    page = remake.PAGE.read_text()
    made = {f"pictures/{name}.png" for name in (*remake.SCREENS, remake.PAPER)}

    assert made == {*re.findall(r"\((pictures/.*?)\)", page)}
    assert 1 == len(remake.SENTENCE.findall(page))
    assert f"(quick profile, {KEPT['begun'][:10]})" in page
    assert "tox -e remake" in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_page_says_where_its_reports_are_from() -> None:
    """The age and the commit of what is kept are those of its reports, which are whole as said."""
    text = (ROOT / PAGE).read_text()
    assert GIVEN.strip() in text
    assert LAST.strip() in text
    assert KEPT["whole"]
    assert not KEPT["commit"]["dirty"]
    assert KEPT["migrations"] == MATRIX["schema"]
    tried = [each for each in MATRIX["mutants"] if each["status"] != "ineffective"]
    assert {*RULES} == {rule for each in tried for rule in each["rules"]}
    assert {"held": len(KEPT["rules"])} == {k: v for k, v in KEPT["verdicts"].items() if v}
