"""`init`: a rules file from a catalogue, whatever names and types that has."""

import sys
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.domain import chosen
from conformance.engine.init.command import command
from conformance.engine.init.patterns import samples
from conformance.engine.init.python import Call, written
from conformance.engine.postgres.scratch import Database
from tests.support.verdicts import verdicts

# What exports and object mappers make: words of SQL as names, capitals, names in the way of tokens.
ODD = """
CREATE TYPE "Role" AS ENUM ('admin', 'it''s', 'none');
CREATE DOMAIN positive AS integer NOT NULL CHECK (VALUE > 0);
CREATE EXTENSION citext;
CREATE TABLE "user" (
    nick citext UNIQUE,
    contact text CHECK (contact ~ '^[a-z]+@[a-z]+[.][a-z]{2,}$'),
    CONSTRAINT contact_is_short CHECK (length(contact) <= 255),
    "userId" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "displayName" text NOT NULL CHECK ("displayName" <> ''),
    role "Role" NOT NULL DEFAULT 'none',
    points positive NOT NULL,
    bytes bytea,
    at timestamptz CHECK (at >= '2020-01-01Z'),
    total integer GENERATED ALWAYS AS (1) STORED
);
CREATE TABLE "order" (
    "group" text,
    number integer,
    "user" bigint REFERENCES "user" ON UPDATE CASCADE ON DELETE SET NULL,
    "from" date NOT NULL,
    "to" date,
    CONSTRAINT ord_7__order_ends_after_it_starts CHECK ("to" > "from"),
    CONSTRAINT class__check CHECK ("group" LIKE 'a%'),
    PRIMARY KEY ("group", number)
);
CREATE TABLE parcels (
    "group" text NOT NULL,
    number integer NOT NULL,
    weight numeric(6, 3) CHECK (weight > 0.5),
    code char(2) PRIMARY KEY CHECK (code ~ '^[A-Z]{2}$'),
    FOREIGN KEY ("group", number) REFERENCES "order" ON DELETE CASCADE
);
CREATE UNIQUE INDEX parcels_light ON parcels ("group", number) WHERE weight IS NULL OR weight < 2;
COMMENT ON CONSTRAINT parcels_weight_check ON parcels IS 'a parcel weighs more than its box';
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER does_nothing BEFORE INSERT ON parcels FOR EACH ROW EXECUTE FUNCTION nothing();
"""


def test_a_schema_of_odd_names_is_held(
    empty: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Names that need quotes, keys that the server makes and composite ones are like others."""
    monkeypatch.setenv(chosen.VARIABLE, chosen.DEFAULT)
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setattr("sys.path", [*sys.path])
    output = tmp_path / "odd_rules.py"
    with empty.connect() as connection:
        connection.execute(ODD.encode())

    main(["init", empty.conninfo, "--output", str(output)])
    said = capsys.readouterr().out
    chosen.choose("odd_rules", tmp_path)
    domain = chosen.domain()
    with Sandbox(empty.conninfo) as sandbox:
        found = verdicts(domain, sandbox, set(domain.rules), times=2)

    assert {} == found
    assert {"ORD-7", "ORDER-1", "USER-1", "PARCELS-1"} <= domain.rules.keys()
    assert "trigger does_nothing on parcels: what it refuses stands in its function" in said
    assert "no row was found" not in said
    assert "generated column user.total: what it is computed from" in said
    weight = next(
        each for each in domain.rules.values() if "parcels_weight_check" in each.enforced_by
    )
    assert "a parcel weighs more than its box" == weight.statement


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--output", "there.py"],
            "there.py is there already: name another --output",
        ),
        (["--output", "rules.txt"], "rules.txt is no name of a Python module"),
        (["--output", "nowhere/rules.py"], "there is no folder nowhere"),
        (["no_such_folder"], "migrations folder no_such_folder does not exist"),
        (["postgresql://me:secret@127.0.0.1:1/x"], "the database cannot be reached"),
        (["postgresql://me:sec@ret@127.0.0.1:1/x"], "cannot be reached"),
    ],
)
def test_what_cannot_be_begun_ends_in_one_message(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No file is written over, and nothing that a user may mistype shows a password."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.py").write_text("mine")
    source = [] if "--output" not in arguments else ["postgresql://127.0.0.1:1/x"]

    assert 1 == main(["init", *source, *arguments])

    shown = capsys.readouterr().err
    assert said in shown
    assert "sec" not in shown
    assert "ret@" not in shown
    assert "mine" == (tmp_path / "there.py").read_text()


def test_a_schema_without_tables_is_no_beginning(
    empty: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of nothing no file is written."""
    output = tmp_path / "rules.py"

    assert 1 == main(["init", empty.conninfo, "--output", str(output)])
    assert "the schema public has no table" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("output", "source", "expected"),
    [
        ("rules.py", "schema", "framecast-conformance test --domain rules"),
        ("db/shop.py", "db/sql", "framecast-conformance test --domain db.shop"),
        ("rules.py", "host=db", "framecast-conformance test --domain rules --migrations DIR"),
        ("/a-b/rules.py", "x", "cd /a-b && framecast-conformance test --domain rules"),
    ],
)
def test_the_next_command_finds_the_file(
    output: str, source: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last lines name the module, and ask for files where none are known."""
    monkeypatch.chdir(tmp_path)

    assert expected == command(Path(output), source)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^[A-Z]{3}-[0-9]{4}$", "AAA-0000"),
        (r"^\+?\d{2,5}$", "00"),
        ("^(red|green)( light)?$", "green"),
        ("^[^@]+@[a-z.]+$", "a@a"),
        ("^[[:alpha:]_][[:digit:]]*$", "a"),
        ("^(?:a|b)c$", "bc"),
    ],
)
def test_patterns_have_samples(pattern: str, expected: str) -> None:
    """A text that a pattern matches is among those that are proposed for it."""
    assert expected in samples(pattern)


def test_source_is_laid_out_as_formatters_leave_it() -> None:
    """A call that is too long has a line for each part; a long text is cut between words."""
    call = Call("f", ("it's", "a" * 30, ("x",)), {"where": "word " * 40 + 'and "more"', "n": None})

    assert 'f(\n    "it\'s",\n    "a" * 30,\n    ("x",),\n    where=(\n' in written(call)
    assert all(len(line) <= 88 for line in written(call).splitlines())
