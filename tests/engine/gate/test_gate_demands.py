"""Demands of pending files, asked of a target that holds what is legal and more."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import demands
from conformance.engine.postgres.scratch import Database, Scratch, Template
from tests.support.trials import described

BEFORE = """
CREATE TABLE owners (id integer PRIMARY KEY, name text);
CREATE TABLE things (
    id integer, part text, owner integer, name text, span int4range, price integer,
    PRIMARY KEY (id, part)
);
ALTER TABLE things ADD CONSTRAINT cheap CHECK (price < 100) NOT VALID;
CREATE TABLE bag (word text);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN short AS text;
CREATE TABLE notes (
    id integer PRIMARY KEY, said text, points numeric, mood mood, tag short,
    seen timestamp DEFAULT '2026-01-01 12:00'
);
CREATE TABLE pairs (a integer, b integer, UNIQUE (a, b));
CREATE TABLE guests (id integer PRIMARY KEY, a integer, b integer, room int4range, stay int4range);
CREATE TABLE booked (room int4range, open int4range);
CREATE TABLE days (day integer NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE rest PARTITION OF days DEFAULT;
CREATE TABLE early (day integer PRIMARY KEY);
CREATE TABLE seats (id integer, day integer, seat integer, PRIMARY KEY (id, day))
    PARTITION BY LIST (day);
CREATE TABLE seats_1 PARTITION OF seats FOR VALUES IN (1);
CREATE TABLE seats_2 PARTITION OF seats FOR VALUES IN (2);
"""
ROWS = """
INSERT INTO owners VALUES (1, 'Ann');
SET session_replication_role = replica;
INSERT INTO things VALUES
    (1, 'a', 1, 'x', '[1,3)', 5), (2, 'b', 7, 'X', '[2,4)', -1), (3, 'c', NULL, NULL, NULL, 5);
INSERT INTO bag VALUES ('one'), ('one'), (NULL), (NULL);
INSERT INTO notes VALUES (1, '12', 1.5, 'good', 'a'), (2, 'twelve', 40000, 'bad', 'b b'),
    (3, NULL, NULL, NULL, NULL);
INSERT INTO pairs VALUES (1, 1);
INSERT INTO guests VALUES (1, 1, 1, '[1,2)', '[1,3)'), (2, 2, 2, '[1,2)', '[3,5)'),
    (3, 1, NULL, '[2,3)', '[4,9)'), (4, NULL, NULL, '[2,3)', '[1,5)'), (5, 1, 1, NULL, '[1,9)');
INSERT INTO booked VALUES ('[1,2)', '[1,4)'), ('[1,2)', '[4,9)'), ('[2,3)', '[1,4)');
INSERT INTO days VALUES (3);
INSERT INTO early VALUES (1), (2);
INSERT INTO seats VALUES (1, 1, 7), (2, 1, 7), (3, 2, 7), (4, 2, 8);
"""
DEAR = """
ALTER TABLE things DROP CONSTRAINT cheap;
INSERT INTO things VALUES (4, 'd', 1, 'z', NULL, 500);
ALTER TABLE things ADD CONSTRAINT cheap CHECK (price < 100) NOT VALID;
"""
Asked = tuple[list[Fault], list[str]]


@pytest.fixture
def target(scratch: Scratch, empty_template: Template) -> Iterator[Database]:
    """Lend a target that holds what is legal and more."""
    with scratch.cloned(empty_template, "demanding") as target:
        with target.connect() as conn:
            conn.execute(BEFORE)
            conn.execute(ROWS)
            conn.execute(DEAR)
        yield target


@pytest.fixture
def asked(
    target: Database, scratch: Scratch, empty_template: Template, folder: Path
) -> Callable[..., Asked]:
    """Return what asks the rows of a target what a file demands of them."""

    def ask(script: str) -> Asked:
        (folder / "a.sql").write_text(script)
        pending = migrations.load(folder)
        with scratch.cloned(empty_template, "trying") as trying:
            steps = [described(trying, BEFORE), described(trying, script)]
        found, notes = demands.of_files(steps[0], steps[1], pending)
        assert [] == notes
        with reading(target.conninfo, Limits()) as conn:
            return demands.ask(conn, found, pending, waivers.of_files(pending)[0])

    return ask


@pytest.mark.parametrize(
    ("script", "about", "keys"),
    [
        (
            "ALTER TABLE things ADD CONSTRAINT positive CHECK (price > 0)",
            "constraint positive on public.things",
            ["2, b"],
        ),
        ("ALTER TABLE things ALTER name SET NOT NULL", "column public.things.name", ["3, c"]),
        (
            "CREATE UNIQUE INDEX names ON things (lower(name)) WHERE price < 100",
            "index names on public.things",
            ["1, a", "2, b"],
        ),
        (
            "DO $$ BEGIN EXECUTE 'ALTER TABLE bag ADD CONSTRAINT w UNIQUE (word)'; END $$",
            "index w on public.bag",
            ["(0,1)", "(0,2)"],
        ),
        (
            "CREATE UNIQUE INDEX w ON bag (word) NULLS NOT DISTINCT",
            "index w on public.bag",
            ["(0,1)", "(0,2)", "(0,3)", "(0,4)"],
        ),
        (
            "ALTER TABLE things ADD CONSTRAINT owned FOREIGN KEY (owner) REFERENCES owners",
            "constraint owned on public.things",
            ["2, b"],
        ),
        (
            "ALTER TABLE guests ADD CONSTRAINT f FOREIGN KEY (a, b) REFERENCES pairs (a, b)",
            "constraint f on public.guests",
            ["2"],
        ),
        (
            (
                "ALTER TABLE guests ADD CONSTRAINT f "
                "FOREIGN KEY (a, b) REFERENCES pairs (a, b) MATCH FULL"
            ),
            "constraint f on public.guests",
            ["2", "3"],
        ),
        (
            "ALTER TABLE days ATTACH PARTITION early FOR VALUES FROM (0) TO (2)",
            "bound public.early",
            ["2"],
        ),
        (
            "CREATE TABLE third PARTITION OF days FOR VALUES FROM (3) TO (4)",
            "bound public.rest",
            ["(0,1)"],
        ),
        (
            "CREATE UNIQUE INDEX names ON seats (day, seat)",
            "index names on public.seats",
            ["1, 1", "2, 1"],
        ),
        (
            "ALTER TABLE things ADD CONSTRAINT apart EXCLUDE USING gist (span WITH &&)",
            "constraint apart on public.things",
            ["1, a", "2, b"],
        ),
        (
            "ALTER TABLE things VALIDATE CONSTRAINT cheap",
            "constraint cheap on public.things",
            ["4, d"],
        ),
        (
            "ALTER TABLE notes ALTER said TYPE varchar(3)",
            "column public.notes.said as character varying(3)",
            ["2"],
        ),
        (
            "ALTER TABLE notes ALTER said TYPE integer USING said::integer",
            "column public.notes.said as integer",
            ["2"],
        ),
        (
            "ALTER TABLE public.notes ALTER points TYPE smallint USING notes.points * 2",
            "column public.notes.points as smallint",
            ["2"],
        ),
        (
            (
                "ALTER TYPE mood RENAME TO was; CREATE TYPE mood AS ENUM ('good');"
                "ALTER TABLE notes ALTER mood TYPE mood USING mood::text::mood"
            ),
            "column public.notes.mood as public.mood",
            ["2"],
        ),
        (
            (
                "CREATE DOMAIN tiny AS text CHECK (length(VALUE) < 3);"
                "ALTER TABLE notes ALTER said TYPE tiny"
            ),
            "column public.notes.said as public.tiny",
            ["2"],
        ),
        (
            "ALTER DOMAIN short ADD CONSTRAINT c CHECK (length(VALUE) < 3)",
            "constraint c on domain public.short, of public.notes.tag",
            ["2"],
        ),
    ],
)
def test_rows_that_would_fail_are_named(
    asked: Callable[[str], Asked], script: str, about: str, keys: list[str]
) -> None:
    """However a constraint is made, the keys of the target's rows that would fail it are shown."""
    faults, _ = asked(script)

    assert [(about, tuple(keys), len(keys))] == [
        (fault.about.replace(" public.w ", " w ").replace(" public.names ", " names "), *rest)
        for fault in faults
        if fault.what.endswith("would fail it today")
        for rest in [(fault.keys, fault.count)]
    ]


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE things ADD CONSTRAINT priced CHECK (price IS NOT NULL)",
        "ALTER TABLE things ADD CONSTRAINT positive CHECK (price > 0) NOT VALID",
        "UPDATE public.things SET price = 1; ALTER TABLE things ADD CHECK (price > 0)",
        "DELETE FROM ONLY things; ALTER TABLE things ADD CHECK (price > 0)",
        "CREATE INDEX names ON things (name)",
        "CREATE TABLE new (id integer CHECK (id > 0))",
        "ALTER TABLE things ADD COLUMN size integer DEFAULT 1 CHECK (size > 0)",
        "ALTER TABLE things DROP CONSTRAINT cheap",
        "ALTER TABLE notes ALTER said TYPE varchar(6)",
        "ALTER TABLE notes ALTER seen TYPE timestamptz USING seen AT TIME ZONE 'UTC'",
        "ALTER TABLE notes ALTER seen TYPE timestamptz USING seen AT TIME ZONE 'Asia/Tokyo'",
        "ALTER TABLE days ATTACH PARTITION early FOR VALUES FROM (0) TO (3)",
        "CREATE TABLE fourth PARTITION OF days FOR VALUES FROM (4) TO (5)",
        "ALTER TABLE notes ALTER seen TYPE timestamptz",
        "ALTER TABLE notes ALTER id TYPE bigint, ALTER points TYPE numeric(12, 4)",
        "ALTER TYPE mood ADD VALUE 'fair'",
        "ALTER DOMAIN short ADD CONSTRAINT c CHECK (length(VALUE) < 4)",
    ],
)
def test_what_rows_keep_or_files_mend_is_no_finding(
    asked: Callable[[str], Asked], script: str
) -> None:
    """Demands that hold, are not validated yet, or may be mended by the file are at most a note."""
    faults, notes = asked(script)

    assert [] == faults
    mending = "NOT VALID" in script or "things SET" in script or "ONLY" in script
    assert mending == any("would fail it today" in note for note in notes)


@pytest.mark.parametrize(
    ("script", "about"),
    [
        (
            "ALTER TABLE things ADD share int GENERATED ALWAYS AS (9 / (price - 5)) STORED",
            "column public.things.share",
        ),
        (
            "ALTER TABLE things ADD share int GENERATED ALWAYS AS (9 / (price - 5)) VIRTUAL",
            "column public.things.share",
        ),
        ("CREATE INDEX by_word ON bag ((word::int))", "index public.by_word on public.bag"),
        (
            "CREATE INDEX cut ON notes ((said::int)) WHERE id = 2",
            "index public.cut on public.notes",
        ),
        (
            "ALTER TABLE notes ADD CONSTRAINT c CHECK (said::int > 0)",
            "constraint c on public.notes",
        ),
    ],
)
def test_what_cannot_be_told_of_a_row_is_a_finding(
    asked: Callable[[str], Asked], script: str, about: str
) -> None:
    """An expression that fails on a row of today would fail when the file runs."""
    [fault], _ = asked(script)

    assert about == fault.about
    assert fault.what.startswith(demands.FAILS)


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE things ADD share int GENERATED ALWAYS AS (9 / (price + 9)) STORED",
        "CREATE INDEX by_word ON bag (upper(word))",
        "CREATE INDEX cut ON notes ((said::int)) WHERE id = 1",
        "ALTER TABLE notes ADD CONSTRAINT c CHECK (said::int > 0) NOT VALID",
    ],
)
def test_what_can_be_told_of_all_rows_is_none(asked: Callable[[str], Asked], script: str) -> None:
    """An expression that has a value for each row, or is not asked of them, may pass."""
    assert [] == asked(script)[0]


@pytest.mark.parametrize(
    ("script", "mended"),
    [
        ("UPDATE things SET name = 'x'; ALTER TABLE things ADD CHECK (price > 0)", False),
        (
            (
                "DO $$ BEGIN UPDATE things SET price = 1; END $$;"
                "ALTER TABLE things ADD CHECK (price > 0)"
            ),
            True,
        ),
        ("UPDATE owners SET name = 'x'; ALTER TABLE things ADD CHECK (price > 0)", False),
        ("CREATE UNIQUE INDEX once ON bag (word); UPDATE bag SET word = 'two'", True),
    ],
)
def test_only_what_a_demand_is_about_is_mended(
    asked: Callable[[str], Asked], script: str, mended: bool
) -> None:
    """A file that changes other columns of the table, or another table, mends no row."""
    faults, notes = asked(script)

    assert mended == (not faults)
    assert mended == any("whether it mends them is not known" in note for note in notes)


@pytest.mark.parametrize(
    ("column", "to", "keys"),
    [
        ("said", "varchar(2) USING left(said, 2)", ("2",)),
        ("said", "text USING NULL::text", ("1", "2")),
        ("said", "char(9) USING coalesce(said, 'none')", ("3",)),
        ("points", "integer", ("1",)),
        ("seen", "date", ("1", "2", "3")),
        ("seen", "timestamptz USING now()", ("1", "2", "3")),
    ],
)
def test_values_that_a_conversion_changes_are_named(
    asked: Callable[[str], Asked], column: str, to: str, keys: tuple[str, ...]
) -> None:
    """A conversion that loses part of a value is a finding, with the keys of its rows."""
    script = f"ALTER TABLE notes ALTER {column} TYPE {to}"
    [fault], _ = asked(script)
    waived, notes = asked(f"-- waives DATA notes.{column}: nobody reads it\n{script}")

    assert fault.about.startswith(f"column public.notes.{column} as ")
    assert "of public.notes would hold another value" in fault.what
    assert fault.keys == keys
    assert [] == waived
    assert any("(excuses: " in note for note in notes)


@pytest.mark.parametrize(
    ("key", "definition", "keys"),
    [
        (
            ("index", "o on public.guests"),
            "CREATE UNIQUE INDEX o ON public.guests USING gist (room, stay)",
            ("3", "4"),
        ),
        (
            ("index", "o on public.guests"),
            "CREATE UNIQUE INDEX o ON public.guests USING gist (stay)",
            ("1", "2", "3", "4", "5"),
        ),
        (
            ("constraint", "o on public.guests"),
            "FOREIGN KEY (room, PERIOD stay) REFERENCES public.booked(room, PERIOD open)",
            ("3", "4"),
        ),
    ],
)
def test_rows_that_keys_over_time_refuse_are_named(
    target: Database, key: tuple[str, str], definition: str, keys: tuple[str, ...]
) -> None:
    """Times that overlap, or that no parents cover together, are told with their rows' keys."""
    before = {("relation", "public.guests"): "table"}
    found, _ = demands.of_files(before, {**before, key: definition})
    with reading(target.conninfo, Limits()) as conn:
        [fault], _ = demands.ask(conn, found, ())

    assert keys == fault.keys
