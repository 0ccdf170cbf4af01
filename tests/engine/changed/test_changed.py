"""Runs that begin with what a change of the schema may have touched."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.engine.catalogue import schema
from conformance.engine.changed.compare import Affected, affected
from conformance.engine.changed.sources import SourceError, of_commit
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.rules import RULES

ROOT = Path(__file__).parents[3]
MIGRATIONS = ROOT / "migrations"

Compared = Callable[[str], Affected]


@pytest.fixture
def compared(scratch: Scratch, tmp_path: Path) -> Compared:
    """Return what compares the migrations with themselves and one file more."""

    def compare(sql: str) -> Affected:
        changed = written(tmp_path, sql)
        read = []
        for folder in (MIGRATIONS, changed):
            template = scratch.template(folder)
            with scratch.cloned(template, "compared") as database, database.connect() as conn:
                read.append(schema.read(conn))
        return affected(*read)

    return compare


def written(folder: Path, sql: str) -> Path:
    """Write the migrations, with one file more, into a folder."""
    changed = Path(shutil.copytree(MIGRATIONS, folder / "changed"))
    (changed / "900_change.sql").write_text(sql)
    return changed


def test_the_same_schema_has_no_differences(compared: Compared) -> None:
    """A file that changes nothing affects no rule, though its database has other numbers."""
    assert compared("SELECT 1;") == Affected((), (), ())


@pytest.mark.parametrize(
    ("sql", "what", "rule"),
    [
        (
            "ALTER TABLE users DROP CONSTRAINT inv_u5__users_credits_not_negative;",
            "removed: constraint inv_u5__users_credits_not_negative of public.users",
            "INV-U5",
        ),
        (
            "ALTER TYPE membership_role ADD VALUE 'guest';",
            "changed: type public.membership_role",
            "INV-M2",
        ),
        (
            "ALTER FUNCTION framecast.tg__team_has_an_owner() COST 7;",
            "changed: function framecast.tg__team_has_an_owner()",
            "INV-T2",
        ),
        (
            "ALTER TABLE jobs DISABLE TRIGGER _300_card_6__jobs_starter_has_at_most_1_active;",
            "changed: trigger",
            "CARD-6",
        ),
        ("GRANT TRUNCATE ON jobs TO framecast_app;", "added: right", "PERM-1"),
        ("DROP INDEX inv_j12__jobs_one_active_per_project;", "removed: index", "INV-J12"),
        (
            (
                "ALTER TABLE role_permissions DISABLE TRIGGER USER;"
                " DELETE FROM role_permissions WHERE role = 'viewer';"
            ),
            "changed: rows of public.role_permissions",
            "PERM-1",
        ),
        ("ALTER TABLE teams ADD COLUMN motto text;", "added: column public.teams.motto", "INV-T2"),
        (
            "CREATE RULE kept AS ON DELETE TO webhooks DO INSTEAD NOTHING;",
            "added: rule kept of public.webhooks",
            "INV-W4",
        ),
        (
            "ALTER TABLE usage ENABLE ROW LEVEL SECURITY;",
            "changed: properties usage of public.usage",
            "INV-US1",
        ),
        (
            "CREATE POLICY few ON usage WITH CHECK (api_calls < 9);",
            "added: policy few of public.usage",
            "INV-US1",
        ),
        (
            "ALTER TABLE webhook_deliveries SET UNLOGGED;",
            "changed: properties webhook_deliveries of public.webhook_deliveries",
            "INV-WD3",
        ),
        (
            "CREATE TABLE old_usage () INHERITS (usage);",
            "added: child public.old_usage of public.usage",
            "INV-US1",
        ),
        (
            "ALTER TABLE usage ADD CONSTRAINT one EXCLUDE (owner WITH =);",
            "added: constraint one of public.usage",
            "INV-US1",
        ),
        (
            """ALTER TABLE webhooks ALTER COLUMN url TYPE text COLLATE "C";""",
            "changed: properties url of public.webhooks",
            "INV-W4",
        ),
        (
            (
                "CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
                " CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION tell();"
            ),
            "added: event trigger told",
            "INV-J1",
        ),
    ],
)
def test_a_difference_leads_to_its_rules(
    sql: str, what: str, rule: str, compared: Compared
) -> None:
    """By the objects that serve a rule, or by the tables of one that serves none."""
    found = compared(sql)

    assert any(each.what.startswith(what) for each in found.differences)
    assert rule in found.rules
    assert not set(found.rules) & set(found.near)


def test_a_lock_serves_the_rules_that_rest_on_it(compared: Compared) -> None:
    """A trigger that names no rule says whose proof it breaks where it has gone."""
    found = compared("DROP TRIGGER _200_lock_users_and_teams_of_gone ON memberships;")
    (gone,) = (each for each in found.differences if each.what.startswith("removed: trigger"))

    assert () == gone.rules
    assert {"INV-T2"} <= {*gone.served} < {*RULES}


def collected(*options: str) -> tuple[int, list[str], str]:
    """Return the exit code of a run that only collects, its tests in order, and all it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "conformance", "--collect-only", "-q", "-n0", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    return done.returncode, tests, done.stdout + done.stderr


def test_what_changed_is_tried_first(tmp_path: Path) -> None:
    """Tests that are about one rule alone come before all others; or are all that is tried."""
    changed = written(
        tmp_path, "ALTER TABLE users DROP CONSTRAINT inv_u5__users_credits_not_negative;"
    )
    asked = ("--migrations", str(changed), "--changed", str(MIGRATIONS))

    code, tests, _ = collected(*asked)
    _, every, _ = collected("--migrations", str(changed))
    _, about, _ = collected("--rule", "INV-U5")
    only, some, _ = collected(*asked, "--only-changed")

    assert code == only == 0
    assert "inv_u5__" in tests[0]
    assert sorted(every) == sorted(tests)
    assert set(tests[: len(about)]) == set(about)
    assert set(some) < set(every)
    assert some == tests[: len(some)]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_change_on_which_no_rule_rests_is_nothing_to_try(workers: str, tmp_path: Path) -> None:
    """A run of what changed alone says so and ends well; a run that selects nothing fails."""
    changed = written(tmp_path, "CREATE INDEX ON usage (api_calls);")
    options = (f"--migrations={changed}", f"--changed={MIGRATIONS}")
    done = [
        subprocess.run(
            [sys.executable, "-m", "pytest", "conformance", workers, *options, *some],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        for some in (("--only-changed",), ("-k", "nothing_of_that_name"))
    ]

    assert [0, 5] == [each.returncode for each in done]
    assert "no rule rests on that: there is nothing to try" in done[0].stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only-changed",), "--changed-since REF or --changed DIR"),
        (("--changed", "a", "--changed-since", "b"), "name one schema"),
        (("--changed", "nowhere"), "does not exist"),
        (("--changed-since", "no-such-commit"), "git says: "),
        (("--changed-since=--output=x",), "is no commit"),
    ],
)
def test_what_cannot_be_compared_is_said(options: tuple[str, ...], said: str) -> None:
    """In one line, at the start."""
    code, _, printed = collected(*options)

    assert code == pytest.ExitCode.USAGE_ERROR
    assert said in printed
    assert "Traceback" not in printed


def test_a_commits_migrations_are_read(tmp_path: Path) -> None:
    """As they were then, whatever the work tree holds now, and from whatever folder."""
    folder = tmp_path / "deep" / "migrations"
    folder.mkdir(parents=True)
    (folder / "001.sql").write_text("SELECT 1;")
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)  # noqa: S607 - any git
    (folder / "001.sql").write_text("SELECT 2;")

    with of_commit("HEAD", folder) as before:
        assert [(each.name, each.read_text()) for each in before.iterdir()] == [
            ("001.sql", "SELECT 1;")
        ]
    with pytest.raises(SourceError, match="git says"), of_commit("nowhere", folder):
        pass
