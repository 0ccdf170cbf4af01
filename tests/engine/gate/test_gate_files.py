"""Waivers and the linter: what a file says of itself, and what Squawk says of it."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations, waivers
from conformance.engine.deployment.migrations import Migration
from conformance.engine.deployment.waivers import Waiver
from conformance.engine.gate import lint
from conformance.framecast.rules import RULES

HOW = "003_x.sql:1: write `-- waives RULE: reason`, in its own line"
NEAR = (
    "there is no rule 'inv-t66': did you mean INV-T6 or INV-U6 or INV-T8? "
    f"`framecast-conformance rules` lists all {len(RULES)}"
)
TEST = "SUITE test_columns.py::test_column[a b: c null]"
DROP = "ALTER TABLE public.teams DROP CONSTRAINT inv_t6__teams_credits_not_negative;\n"


def file(folder: Path, sql: str, name: str = "003_x.sql") -> Migration:
    """Write one migration file, and read it."""
    (folder / name).write_text(sql)
    return next(each for each in migrations.load(folder) if each.name == name)


def test_a_waiver_names_what_and_why(folder: Path) -> None:
    """A line that names a rule, in any case, or data, and a reason, is read with its place."""
    found, wrong = waivers.of_files(
        [
            file(
                folder,
                "SELECT 1;\n-- waives INV-T6: debts\n--waives DATA users.name: privacy\n"
                "-- waives inv-u5: debts of users\n"
                "-- waives SUITE test_columns.py::test_column[a b: c null]: none is needed\n",
            )
        ]
    )

    assert [] == wrong
    assert [
        Waiver("INV-T6", "debts", "003_x.sql", 2),
        Waiver("DATA users.name", "privacy", "003_x.sql", 3),
        Waiver("INV-U5", "debts of users", "003_x.sql", 4),
        Waiver(TEST, "none is needed", "003_x.sql", 5),
    ] == found
    assert "003_x.sql:2 waives INV-T6: debts" == str(found[0])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-- waives INV-T6", HOW),
        ("-- waives INV-T6:", HOW),
        ("-- waives SUITE test_columns.py: all", HOW),
        ("-- waives SUITE test_columns.py::test_column[x]", HOW),
        ("SELECT 1; -- waives INV-T6: debts", HOW),
        ("-- waives inv-t66: debts", f"003_x.sql:1: {NEAR}"),
    ],
)
def test_a_waiver_without_a_rule_or_a_reason_waives_nothing(
    folder: Path, line: str, said: str
) -> None:
    """A line that only looks like a waiver is named, and waives nothing."""
    assert ([], [said]) == waivers.of_files([file(folder, f"{line}\n")])


@pytest.mark.parametrize(
    "sql",
    [
        "/*\n-- waives INV-T6: debts\n*/",
        "SELECT '\n-- waives INV-T6: debts\n'",
        "DO $$\n-- waives INV-T6: debts\nBEGIN END $$",
        "/* /* */\n-- waives INV-T6: debts\n*/",
    ],
)
def test_what_is_no_line_of_its_own_waives_nothing(folder: Path, sql: str) -> None:
    """In a comment of several lines, a string or a body there are no waivers."""
    assert ([], []) == waivers.of_files([file(folder, sql)])


def test_a_waiver_is_given_once(folder: Path) -> None:
    """The second waiver of the same in one file is told, and an indented one is one."""
    found, wrong = waivers.of_files(
        [file(folder, "    -- waives INV-T6: debts\n-- waives INV-T6: more debts\n")]
    )

    assert [Waiver("INV-T6", "debts", "003_x.sql", 1)] == found
    assert ["003_x.sql:2: INV-T6 is waived in line 1 already"] == wrong


def test_the_linter_names_file_line_and_rule(folder: Path) -> None:
    """A warning of Squawk on a pending file is a finding, with the way to excuse it."""
    section = lint.lint([file(folder, f"\n{DROP}")], 18)

    assert section.asked
    assert [("003_x.sql:2", True)] == [
        (fault.about, "ban-drop-constraint" in fault.what) for fault in section.faults
    ]
    assert lint.lint([file(folder, "ALTER TABLE public.teams ADD COLUMN motto text;\n")], 18).right


@pytest.mark.parametrize(
    "excuse",
    ["-- squawk-ignore-file", "/* squawk-ignore-file */", "-- squawk-ignore ban-drop-table"],
)
def test_what_the_linter_is_told_to_ignore_is_shown(folder: Path, excuse: str) -> None:
    """Whichever comment excuses a finding of Squawk, the finding is a note."""
    section = lint.lint([file(folder, f"{excuse}\nDROP TABLE IF EXISTS teams;\n")], 18)

    assert section.right
    [note] = [note for note in section.notes if "ban-drop-table" in note]
    assert note == (
        "003_x.sql:2: Dropping a table may break existing clients. (ban-drop-table): "
        "excused by a comment with squawk-ignore"
    )


@pytest.mark.parametrize(("kind", "count"), [("INDEX", 0), ("TABLE", 1)])
def test_an_index_may_have_another_name(folder: Path, kind: str, count: int) -> None:
    """A name that no client asks by may change; that of a table may not."""
    section = lint.lint([file(folder, f"ALTER {kind} public.some RENAME TO other;\n")], 18)

    assert count == len(section.faults)


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE public.coupons ALTER note DROP DEFAULT",
        "ALTER TABLE public.coupons ALTER cents DROP NOT NULL",
        "ALTER TABLE public.coupons ADD COLUMN ref uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE public.coupons ADD COLUMN g int GENERATED ALWAYS AS (cents * 2) VIRTUAL",
        "ALTER TABLE public.coupons ADD COLUMN s char(3)",
        "ALTER TABLE public.coupons ADD COLUMN s varchar(30)",
        "ALTER TABLE public.coupons ADD COLUMN s timestamp",
        "ALTER TABLE public.coupons ADD COLUMN s smallint",
        "CREATE TABLE public.x (id serial PRIMARY KEY)",
        "ALTER TYPE public.colour ADD VALUE 'c'",
        "ALTER TABLE public.coupons ALTER COLUMN note TYPE text",
        "ALTER TABLE public.coupons RENAME CONSTRAINT coupons_pkey TO k",
        "DROP VIEW public.v",
        "DROP TYPE public.colour",
    ],
)
def test_what_harms_nothing_is_no_finding(folder: Path, script: str) -> None:
    """Style, and what other sections tell better, is a note."""
    section = lint.lint([file(folder, f"{script};\n")], 18)

    assert [] == section.faults
    assert ("RENAME" not in script) == any(lint.HARMLESS in note for note in section.notes)


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE public.coupons",
        "DROP SEQUENCE public.numbers",
        "DROP SCHEMA reports",
        "DROP FUNCTION public.f()",
        "ALTER TABLE public.coupons DROP COLUMN note",
        "ALTER TABLE public.coupons RENAME note TO notes",
        "ALTER TABLE public.coupons ALTER note SET NOT NULL",
        "ALTER TYPE public.colour RENAME VALUE 'a' TO 'z'",
        "CREATE INDEX coupons_note ON public.coupons (note)",
    ],
)
def test_what_may_do_harm_is_a_finding_with_a_way_out(folder: Path, script: str) -> None:
    """Advice that no other section gives as well stays a finding, which says how to excuse it."""
    [fault] = lint.lint([file(folder, f"{script};\n")], 18).faults

    assert "-- squawk-ignore " in fault.remedy


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("CREATE TEMP TABLE ranks AS SELECT 1;\nDROP TABLE ranks;", 0),
        ("CREATE TABLE ranks (id int);\nDROP TABLE public.ranks;", 0),
        ("DROP TABLE ranks;\nCREATE TABLE ranks (id int);", 1),
        (
            (
                "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1;\n"
                "SELECT public.f();\nDROP FUNCTION public.f();"
            ),
            0,
        ),
        ("CREATE VIEW v AS SELECT 1;\nDROP VIEW v;\nDROP FUNCTION f(int);", 1),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT id FROM teams;\nCREATE UNIQUE INDEX k ON m (id);",
            0,
        ),
        (
            (
                "CREATE MATERIALIZED VIEW m AS SELECT id FROM teams;\n"
                "CREATE UNIQUE INDEX k ON teams (id);"
            ),
            1,
        ),
        ("CREATE TEMP TABLE ranks (id int);\nDROP TABLE ranks, teams;", 1),
        ("DROP CAST IF EXISTS (text AS uuid);", 0),
    ],
)
def test_what_is_the_files_own_may_go(folder: Path, script: str, count: int) -> None:
    """A table that the file has made before, as for a backfill, it may index and drop."""
    assert count == len(lint.lint([file(folder, f"{script}\n")], 18).faults)


def test_a_file_that_the_linter_leaves_out_is_shown(folder: Path) -> None:
    """A file that the configuration excludes by its path is a note."""
    (folder / ".squawk.toml").write_text('excluded_paths = ["*_x.sql"]\n')
    section = lint.lint([file(folder, "DROP TABLE IF EXISTS teams;\n")], 18)

    assert section.right
    assert any("excused by excluded_paths of .squawk.toml" in note for note in section.notes)


def test_what_is_no_sql_is_told_once(folder: Path) -> None:
    """Commands of psql are the gate's own finding; what else is no SQL is named once a place."""
    for_psql = lint.lint([file(folder, "\\i other.sql\nCOPY t FROM stdin;\na\tb\n\\.\n")], 18)
    broken = lint.lint([file(folder, "CREATE TABLE public.x (id int,, b int);\n")], 18)

    assert [] == for_psql.faults
    assert broken.faults
    assert len(broken.faults) == len(set(broken.faults))
    assert all("(syntax-error)" in fault.what for fault in broken.faults)


@pytest.mark.parametrize("name", ["-c.sql", "--help.sql", "00[4]*{a}?.sql", "a b'c.sql"])
def test_the_linter_reads_files_of_any_name(folder: Path, name: str) -> None:
    """A name that looks like an option or a pattern is that of a file."""
    section = lint.lint([file(folder, DROP, name)], 18)

    assert [f"{name}:1"] == [fault.about for fault in section.faults]


def test_without_the_linter_nothing_is_right(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where Squawk is not installed, the section is not asked, and says what to install."""
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    section = lint.lint([file(folder, DROP)], 18)

    assert not section.asked
    assert ["install it: pip install squawk-cli"] == [fault.remedy for fault in section.faults]


@pytest.mark.parametrize(
    ("script", "places"),
    [
        ("DO $$ BEGIN ALTER TABLE teams DROP CONSTRAINT c; END $$;", ["003_x.sql:1"]),
        (
            "SELECT 1;\n\nDO $$ BEGIN\nEXECUTE 'ALTER TABLE teams RENAME TO groups'; END $$;",
            ["003_x.sql:3"],
        ),
        (
            "DO $$ BEGIN EXECUTE format('ALTER TABLE %I DROP CONSTRAINT c', 'teams'); END $$;",
            ["003_x.sql:1"],
        ),
        (
            "-- squawk-ignore-file\nDO $$ BEGIN ALTER TABLE teams DROP CONSTRAINT c; END $$;",
            [],
        ),
        (
            (
                "DO $$ BEGIN\n-- squawk-ignore ban-drop-constraint\n"
                "ALTER TABLE teams DROP CONSTRAINT c; END $$;"
            ),
            [],
        ),
        ("CREATE TABLE news (id int);\nDO $$ BEGIN DROP TABLE news; END $$;", []),
        ("DO $$ BEGIN DELETE FROM teams; PERFORM 1; IF true THEN RETURN; END IF; END $$;", []),
        ("DO $$ BEGIN ALTER TABLE teams ADD COLUMN motto text; END $$;", []),
    ],
)
def test_what_a_block_runs_is_linted(folder: Path, script: str, places: list[str]) -> None:
    """A block hides nothing from the linter; what excuses it may stand there, or above it."""
    section = lint.lint([file(folder, f"{script}\n")], 18)

    assert places == [fault.about for fault in section.faults]
    assert ("squawk-ignore" in script) == any("excused by" in note for note in section.notes)
