"""The page on the gate: what its transcripts show of refused files is what is printed today."""

import re
import shutil
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from conformance.commands import main
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Scratch, Template
from tests.support.deploying import RELEASES
from tests.support.gating import run
from tests.support.shells import ROOT, Command, commands

PAGE: Final = "docs/gate.md"
# What is another each time: ids, and who asks which server.
VARYING: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\S+ on PostgreSQL [\d.]+, as \S+(?=; read only)"
)
# Of a deployment, also when it was, how long each file took, and who ran it.
TIMES: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, by \S+,|\d+\.\d\d s\b")
NOTES: Final = (
    "     note: could switch the rules off",
    "     note: not asked",
    "     note: asked as",
)


class Case(NamedTuple):
    """A pending file, and what the target has come to by other ways than migrations."""

    name: str
    sql: str
    happened: str = ""


WEAKER: Final = """-- Teams may owe.
ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;
"""
TAKES: Final = """-- squawk-ignore-file require-concurrent-index-creation
CREATE UNIQUE INDEX users_email_unique ON public.users (email);
UPDATE public.users SET name = NULL WHERE name IS NOT NULL;
"""
SHARED: Final = """
INSERT INTO users (email, name) VALUES ('a@example.com', 'A'), ('a@example.com', 'B')
"""
DRIFTED: Final = """
ALTER TABLE jobs DISABLE TRIGGER _300_state_job__jobs_states;
DO $$
BEGIN
    EXECUTE replace(
        pg_get_functiondef('framecast.email_key(text)'::regprocedure),
        'RETURN lower((p_email COLLATE "C"))', 'RETURN p_email'
    );
END
$$;
SET session_replication_role = replica;
INSERT INTO users (email, tier, upgraded_at) VALUES ('b@example.com', 'creator', now());
"""
CASES: Final = (
    Case("004_credits_on_loan.sql", WEAKER),
    Case("004_emails_are_unique.sql", TAKES, SHARED),
    Case("004_team_motto.sql", "ALTER TABLE public.teams ADD COLUMN motto text;\n", DRIFTED),
)


def shown() -> list[Command]:
    """Return the gates of the page that ended with a finding before the suite was asked."""
    gates = (each for each in commands() if each.page == PAGE and each.printed)
    return [each for each in gates if "$DATABASE_URL" in each.text and "not asked" in str(each)]


def test_a_record_is_told(
    scratch: Scratch, template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `migrate --record` prints on a database of psql's is what the page shows."""
    (page,) = (each for each in commands() if each.page == PAGE and "--record" in each.text)
    with scratch.cloned(template, "page") as database:
        folder = ("--migrations", str(ROOT / "migrations"))
        assert 0 == main(["migrate", "--record", database.conninfo, *folder])

    assert list(page.printed[1:]) == capsys.readouterr().out.splitlines()


def lines(printed: str) -> list[str]:
    """Return what is printed, without what varies and the notes that the page leaves out."""
    kept = (each for each in printed.splitlines() if not each.startswith(NOTES))
    return [VARYING.sub("…", each) for each in kept]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_transcript_has_every_line(
    case: Case,
    server: Server,
    scratch: Scratch,
    empty_template: Template,
    tmp_path: Path,
) -> None:
    """A gate that ends early says today what the page says that it did."""
    (page,) = (each for each in shown() if case.name in "\n".join(each.printed))
    folder = Path(shutil.copytree(ROOT / "migrations", tmp_path / "migrations"))
    with scratch.cloned(empty_template, "page") as database:
        assert 0 == main(["migrate", database.conninfo, "--migrations", str(folder)])
        with database.connect() as connection:
            connection.execute(case.happened.encode())
        (folder / case.name).write_text(case.sql)
        ended = run(database.conninfo, folder, server, "--profile", "quick")

    assert lines("\n".join(page.printed)) == [*lines(ended.out), f"exit code {ended.code}"]


def told(command: Command) -> list[str]:
    """Return what the page shows of a command, to its exit code."""
    printed = [*command.printed]
    return printed[: next(n for n, each in enumerate(printed) if each.startswith("exit code"))]


def test_a_deployment_is_told(
    server: Server,
    scratch: Scratch,
    empty_template: Template,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The page shows of two releases what `migrate`, `audit` and `status` print of them."""
    pages = (each for each in commands() if each.page == PAGE)
    ways = ("--gated", 'audit "$DATABASE_URL"; echo', 'status "$DATABASE_URL"; echo')
    shown_of = [each for each in pages if each.printed and any(way in each.text for way in ways)]
    folder = Path(shutil.copytree(ROOT / "migrations", tmp_path / "migrations"))
    printed = []
    with scratch.cloned(empty_template, "page") as database:
        where = (database.conninfo, "--migrations", str(folder))
        assert 0 == main(["migrate", *where])
        capsys.readouterr()
        for release in RELEASES:
            for name, text in release.items():
                (folder / name).write_text(text)
            assert 0 == main(["migrate", *where])
            printed.append(capsys.readouterr().out)
            audited = run(database.conninfo, folder, server, command="audit")
            assert 0 == audited.code
            printed.append(audited.out)
        assert 0 == main(["status", *where])
        printed.append(capsys.readouterr().out)

    assert [[TIMES.sub("…", line) for line in told(each)] for each in shown_of] == [
        [TIMES.sub("…", line) for line in lines(each)] for each in printed
    ]
