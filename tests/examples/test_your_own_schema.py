"""The tutorial for another schema: its files are written, and its commands run, in its order."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from conformance.engine.postgres.scratch import Scratch, Template
from tests.engine.pytest_plugin.test_profiles import environment

PAGE: Final = Path(__file__).parents[2] / "docs" / "your-own-schema.md"
BLOCK: Final = re.compile(
    r"(?:^`(?P<file>[\w/.]+)`[^\n]*:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
OWN: Final = {"CONFORMANCE_MIGRATIONS": "", "CONFORMANCE_ROLE": ""}  # not those of this run
PROGRAM: Final = "framecast-conformance"


def test_the_tutorial_does_what_it_says(
    tmp_path: Path, scratch: Scratch, empty_template: Template
) -> None:
    """Every file of the page is as it stands there, and every command says what it shows."""
    ran = 0
    with scratch.cloned(empty_template, "library") as database:
        for block in BLOCK.finditer(PAGE.read_text()):
            if block["kind"] == "console":
                ran += _run(block["text"], tmp_path, database.conninfo)
            else:
                file = tmp_path / block["file"]
                file.parent.mkdir(exist_ok=True)
                file.write_text(block["text"])

    assert 10 == ran


def _run(console: str, folder: Path, url: str) -> int:
    """Run the commands of a block; expect the lines that follow each, in their order."""
    commands = console.split("$ " + PROGRAM)[1:]
    for each in commands:
        command, *expected = each.strip().splitlines()
        words = [url if word == "$DATABASE_URL" else word for word in command.split()]
        done = subprocess.run(
            (sys.executable, "-m", "conformance", *words),
            cwd=folder,
            env=environment(PYTHONPATH=str(PAGE.parent.parent), **OWN),
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        said, place = done.stdout, 0
        for line in expected:
            assert line in said[place:], f"{command}\n{said}\n{done.stderr}"
            place = said.index(line, place) + len(line)
    return len(commands)
