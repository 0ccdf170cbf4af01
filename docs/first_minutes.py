"""Maker of docs/first-ten-minutes.md: commands of three users, run in an empty folder.

`python -m docs.first_minutes` runs them anew, which takes a minute or two, and writes the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Final

import psycopg

from conformance.engine.postgres import Request, provision
from conformance.engine.progress import PREFIX

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "first-ten-minutes.md"
MOST, WIDTH = 26, 100  # lines and columns that are shown
HOME: Final = "/home/you/shop"
WEAKER: Final = """
ALTER TABLE teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;
ALTER TABLE teams ADD CONSTRAINT inv_t6__teams_credits_not_negative CHECK (credits >= -10);
"""
HERE: Final = "--migrations db/migrations"
PROOF: Final = f"pytest --pyargs conformance {HERE} --rule INV-T6 -k test_rule -q"
REPLAY: Final = 'framecast-conformance replay inv_t6__e2e089d4; echo "exit code $?"'
HEAD: Final = """# The first ten minutes

Three users, each in a folder that holds `db/migrations` and nothing else, with what they saw.
`python -m docs.first_minutes` runs it all again and writes this page; outputs are cut where `…` is.
All three have installed the package, `pip install path/to/framecast`, on Python {python}.
"""
LOST: Final = """
ALTER TABLE teams DISABLE TRIGGER ALL;
INSERT INTO teams (id, name, slug) VALUES ('00000000-0000-0000-0000-00000000002a', 'Lost', 'lost');
"""
LAST: Final = """
`main.html` is one file, searchable, with a link for each rule (`main.html#INV-T6`), for a browser,
a phone, or paper: the rules of the run with their verdicts, evidence, objects, their SQL, races and
failures. This run was asked for one rule alone, and the page says that it is a part; the report of
a whole run (`framecast-conformance test` without `--rule` and `-k`) has them all.
"""
# What is said, and `$` commands; `+` and `-` write and remove a migration, `!` is SQL of somebody.
STORY: Final = (
    "## An engineer",
    "Somebody lets teams owe ten credits, in `db/migrations/004_credits_on_loan.sql`:",
    f"```sql{WEAKER}```",
    "+004_credits_on_loan.sql",
    "Is a rule weaker now? The near misses of one rule take seconds:",
    f"$ {PROOF}",
    "What was found is kept, and can be tried again without the run:",
    "$ framecast-conformance findings",
    f"$ {REPLAY}",
    "What is the rule, and what enforces it as the schema stands?",
    f"$ framecast-conformance explain INV-T6 {HERE}",
    "The migration goes, and what was found is found no more:",
    "-004_credits_on_loan.sql",
    f"$ {REPLAY}",
    "## A pipeline",
    "On every change, the verdicts go into files of the forms that a CI reads:",
    f"$ {PROOF} --conformance-report main.json",
    "+004_credits_on_loan.sql",
    f"$ {PROOF} --tb no --conformance-report run.json --conformance-report run.xml",
    "Which rules got weaker, as annotations of the migration's line, and in two reports:",
    "$ framecast-conformance report run.json --format github",
    '$ framecast-conformance compare main.json run.json; echo "exit code $?"',
    "Before a deployment, the gate reads the database that the migrations are for:",
    f'$ framecast-conformance gate "$DATABASE_URL" {HERE}; echo "exit code $?"',
    "-004_credits_on_loan.sql",
    "## An auditor",
    "A database that is said to be in order:",
    f'$ framecast-conformance audit "$DATABASE_URL" {HERE}; echo "exit code $?"',
    "Somebody switches triggers off there, and writes a team that nobody owns:",
    f"```sql{LOST}```",
    f"!{LOST}",
    f'$ framecast-conformance audit "$DATABASE_URL" {HERE}; echo "exit code $?"',
    "What are the rules of a table, and what is the evidence?",
    "$ framecast-conformance rules --table webhooks",
    "$ framecast-conformance report main.json --to main.html",
    LAST,
)


def act(step: str, home: Path, conninfo: str) -> bool:
    """Do what somebody does without a command of ours; return whether the step was of that kind."""
    sign, said = step[0], step[1:]
    migration = home / "db" / "migrations" / said
    if sign == "+":
        migration.write_text(WEAKER.lstrip())
    elif sign == "-":
        migration.unlink()
    elif sign == "!":
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(said.encode())
    return sign in "+-!"


def main() -> None:
    """Run the story, and write the page."""
    parts = [HEAD.format(python=".".join(map(str, sys.version_info[:2])))]
    with (
        tempfile.TemporaryDirectory() as name,
        provision(Request.read({}, {})) as server,
    ):
        folder = Path(name).resolve()
        path = _installed(folder)
        home = folder / "shop"
        shutil.copytree(ROOT / "migrations", home / "db" / "migrations")
        environ = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            "DATABASE_URL": server.conninfo,
            "PATH": f"{path}:{os.environ['PATH']}",
            "COLUMNS": str(WIDTH),
            "NO_COLOR": "1",
        }
        migrate = f"framecast-conformance migrate {HERE}"
        _run(migrate, home, environ)
        for step in STORY:
            sign, said = step[0], step[1:]
            if sign == "$":
                shown = _run(said, home, environ).replace(str(home), HOME)
                shown = re.sub(rf"{re.escape(str(folder))}\S*/(?=conformance/)", "", shown)
                parts.append(f"```console\n{step}\n{cut(shown)}```")
            elif not act(step, home, server.conninfo):
                parts.append(step)
    PAGE.write_text("\n\n".join(part.strip("\n") for part in parts) + "\n", encoding="utf-8")


def _installed(folder: Path) -> Path:
    """Install the package as a user does; return where its programs are."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    programs = environment / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", str(ROOT)], check=True)  # noqa: S603 - ours
    return programs


def _run(command: str, folder: Path, environ: dict[str, str]) -> str:
    """Return what a command prints, errors included."""
    done = subprocess.run(  # noqa: S602 - a line for a shell, of ours
        command,
        shell=True,
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def cut(text: str, most: int = MOST) -> str:
    """Return the beginning and the end of what is long, in lines that a page has room for."""
    lines = [
        line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
        for line in re.sub(r"\n{2,}", "\n", text.lstrip("\n")).splitlines()
        if not line.startswith(PREFIX)
    ]
    if len(lines) > most:
        lines = [*lines[: most - 10], "…", *lines[-9:]]
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
