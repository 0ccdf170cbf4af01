"""Triggers of pending files: what the files' own statements do to rows by firing them."""

from collections.abc import Callable, Iterator

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations
from conformance.engine.gate import data_loss, row_changes
from conformance.engine.postgres.scratch import Scratch, Template

BEFORE = """
CREATE TABLE memos (id integer PRIMARY KEY, body text, updated_at timestamptz);
CREATE TABLE pairs (a integer PRIMARY KEY);
CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION clear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
DELETE FROM pairs WHERE a = OLD.id; RETURN NULL; END $$;
CREATE TRIGGER tidy BEFORE UPDATE ON memos FOR EACH ROW EXECUTE FUNCTION tidy();
CREATE TRIGGER clear AFTER UPDATE ON memos FOR EACH ROW EXECUTE FUNCTION clear();
ALTER TABLE memos DISABLE TRIGGER clear;
INSERT INTO memos VALUES (1, 'One'), (2, 'two');
INSERT INTO pairs VALUES (1), (7);
"""
MADE = """
CREATE FUNCTION made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
{body}; RETURN NEW; END $$;
CREATE TRIGGER made {event} ON memos FOR EACH ROW EXECUTE FUNCTION made();
"""
UPDATE = "BEFORE UPDATE"


@pytest.fixture(scope="module")
def asked(
    scratch: Scratch, empty_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., list[Fault]]]:
    """Return what asks the rows of a target what files would do to them."""
    with scratch.cloned(empty_template, "fired") as target:
        with target.connect() as conn:
            conn.execute(BEFORE)

        def ask(*scripts: str) -> list[Fault]:
            folder = tmp_path_factory.mktemp("files")
            for number, script in enumerate(scripts):
                (folder / f"{number}.sql").write_text(script)
            files = migrations.load(folder)
            with reading(target.conninfo, Limits(60, 5)) as conn, conn.transaction():
                return data_loss.ask(conn, row_changes.of_files(files, conn), (), files)[0]

        yield ask


def made(body: str, event: str = UPDATE) -> str:
    """Return a file that makes a trigger."""
    return MADE.format(body=body, event=event)


@pytest.mark.parametrize(
    ("scripts", "what", "keys"),
    [
        (
            [made("NEW.body := lower(NEW.body)"), "UPDATE memos SET id = id"],
            "changes 1 row of today's in memos",
            ["1"],
        ),
        (
            ["".join((made("NEW.body := TG_OP"), "UPDATE memos SET id = id WHERE id = 2"))],
            "changes 1 row of today's in memos",
            ["2"],
        ),
        (
            [made("NEW := jsonb_populate_record(NEW, '{}')"), "UPDATE memos SET id = id"],
            "changes 2 rows of today's in memos",
            ["1", "2"],
        ),
        (
            [made("SELECT 'x' INTO NEW.body"), "UPDATE memos SET body = body"],
            "changes 2 rows of today's in memos",
            ["1", "2"],
        ),
        (
            [made("DELETE FROM pairs", "AFTER INSERT"), "INSERT INTO memos VALUES (9)"],
            "deletes 2 rows of today's in pairs",
            ["1", "7"],
        ),
        (
            [
                made("DELETE FROM pairs WHERE a = NEW.id", "AFTER UPDATE OF body"),
                "UPDATE memos SET body = body",
            ],
            "deletes 1 row of today's in pairs",
            ["1"],
        ),
        (
            [
                (
                    "CREATE OR REPLACE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ "
                    "BEGIN NEW.body := upper(NEW.body); RETURN NEW; END $$"
                ),
                "DO $$ BEGIN UPDATE memos SET id = id WHERE id = 2; END $$",
            ],
            "changes 1 row of today's in memos",
            ["2"],
        ),
        (
            ["ALTER TABLE memos ENABLE TRIGGER clear", "UPDATE memos SET id = id"],
            "deletes 1 row of today's in pairs",
            ["1"],
        ),
    ],
)
def test_rows_that_a_new_trigger_takes_are_named(
    asked: Callable[..., list[Fault]], scripts: list[str], what: str, keys: list[str]
) -> None:
    """A statement that changes nothing by itself fires a trigger which the files make or change."""
    [fault] = asked(*scripts)

    assert (what, keys) == (fault.what, [*fault.keys])
    assert fault.about.startswith(f"{len(scripts) - 1}.sql:")


@pytest.mark.parametrize(
    "scripts",
    [
        [made("NEW.body := lower(NEW.body)")],
        ["UPDATE memos SET id = id", made("DELETE FROM pairs")],
        [made("NEW.body := lower(NEW.body)"), "UPDATE memos SET id = id WHERE id = 2"],
        [
            "ALTER TABLE memos ADD short text",
            made("NEW.short := left(NEW.body, 1)"),
            "UPDATE memos SET id = id",
        ],
        [made("NEW.updated_at := now()"), "UPDATE memos SET id = id"],
        [made("DELETE FROM pairs", "AFTER UPDATE OF body"), "UPDATE memos SET id = id"],
        [made("DELETE FROM pairs", "AFTER DELETE"), "UPDATE memos SET id = id"],
        [made("DELETE FROM pairs"), "DROP TRIGGER made ON memos", "UPDATE memos SET id = id"],
        ["CREATE TABLE log (id int);" + made("INSERT INTO log SELECT 1"), "UPDATE memos SET id=id"],
        ["UPDATE memos SET id = id"],
    ],
)
def test_a_trigger_that_takes_nothing_is_no_finding(
    asked: Callable[..., list[Fault]], scripts: list[str]
) -> None:
    """Nothing is lost by a trigger that no statement fires, or that fills what files add."""
    assert [] == asked(*scripts)
