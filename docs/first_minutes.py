"""Maker of docs/first-ten-minutes.md: commands of three users, run in an empty folder.

`python -m docs.first_minutes` runs them anew, which takes a minute or two, and writes the page.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
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
REPORTS: Final = ROOT / "docs" / "reports"
KEPT: Final = json.loads((REPORTS / "main.json").read_text(encoding="utf-8"))
TRIED: Final = ("reading", "role", "rules", "columns")  # phases: the cheap ones
MATRIX: Final = json.loads((REPORTS / "mutants.json").read_text(encoding="utf-8"))
BECAME: Final = Counter(each["status"] for each in MATRIX["mutants"])
GIVEN: Final = """
What is the evidence? Runs leave reports, and somebody hands some over, in `reports`. These are kept
in `docs/reports` of this project. `main.json` is of the whole suite, {passed:,} tests, begun
{begun} at commit {commit:.10}, by
`pytest conformance --hypothesis-profile {profile} --hypothesis-seed {seed} --sql-coverage`.
`branch.json` is of the same day, of INV-T6 alone, with `004_credits_on_loan.sql`.
`mutants.json` is a sample, drawn such that each rule has some (`python -m docs.remake mutants`): of
{mutants} mutants of the schema of `main.json`, {killed} were noticed by the phases that were asked
({phases}), and of {undecided} it is not decided whether others would notice them.
""".format(
    passed=KEPT["counts"]["passed"],
    profile=KEPT["profile"],
    seed=KEPT["seed"],
    begun=KEPT["begun"],
    commit=KEPT["commit"]["id"],
    mutants=BECAME.total() - BECAME["ineffective"],
    killed=BECAME["killed"],
    undecided=BECAME["not decided"],
    phases=", ".join(TRIED),
)
DRAWN: Final = ", step by step" if "races" in KEPT else ", which newer reports draw step by step"
LAST: Final = f"""
`audit.html` is one file, searchable, with a link for each rule (`audit.html#INV-T2`), for a
browser, a phone, or paper. Read it in this order:

1. Its first lines: how many rules are held, whether the whole suite was run, on what, when, and at
   which commit. A part of the suite, or a run that ended early, says so there.
2. What is not held, if anything: each is a link to what was expected and observed, and to SQL
   that shows it.
3. A rule that matters to you: what enforces it, with file, line and SQL; how often legal writes
   were accepted and violations refused, by each way to write; its races by level of isolation,
   and what happens in each{DRAWN}.
4. "This run among others": which verdicts differ, and which runs were parts.
5. "Mutants": how often somebody made the schema weaker, and whether that was noticed. What survived
   is what the evidence does not cover.
6. "Objects that serve no rule": each with the reason why it is there.
7. "The run": the server, the seed that repeats it, and the digest of each migration. Where
   `sha256sum db/migrations/*.sql` prints the same, the page is of these files; where it prints
   others, as after a change since that commit, the evidence is of those: ask for a new run.

How old is it? The first lines have its date; `framecast-conformance compare` says what a newer
report has in other ways. No page replaces the `audit` of the database above: a report is of a
schema.
"""
AUDITED: Final = (
    "framecast-conformance report reports/main.json --history reports/branch.json"
    " --mutants reports/mutants.json --to audit.html"
)
# What is said, and `$` commands; `+` and `-` write and remove a migration, `!` is SQL of somebody,
# `@` puts reports there.
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
    "What are the rules of a table?",
    "$ framecast-conformance rules --table webhooks",
    GIVEN,
    "@reports",
    f"$ {AUDITED}",
    '$ framecast-conformance compare reports/main.json reports/branch.json; echo "exit code $?"',
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
    elif sign == "@":
        shutil.copytree(REPORTS, home / said)
    elif sign == "!":
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(said.encode())
    return sign in "+-!@"


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
