"""Mutants in the cache: the same as those that are made, and of no other schema."""

from pathlib import Path

import pytest

from conformance.engine.catalogue import schema
from conformance.engine.mutants import generate, kept
from conformance.engine.mutants.habits import CLASSES
from conformance.engine.postgres.scratch import Scratch

SMALL = "CREATE TABLE public.t (n int CONSTRAINT inv_t2__few CHECK (n < 3), m int NOT NULL);\n"
DROPPED = "ALTER TABLE public.t ALTER m DROP NOT NULL"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the process a cache of its own, and return the folder of a small schema."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "1.sql").write_text(SMALL)
    return tmp_path / "migrations"


def test_what_was_made_is_found_again(
    scratch: Scratch, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In another database of the schema they are read, and are what was made."""
    template = scratch.template(folder)
    told: list[tuple[object, ...]] = []
    with scratch.cloned(template, "made") as database, database.connect() as connection:
        made = kept.mutants(connection, lambda *words: told.append(words))
    monkeypatch.setattr(generate, "mutants", lambda *_: pytest.fail("made again"))
    with scratch.cloned(template, "found") as database, database.connect() as connection:
        found = kept.mutants(connection)

    assert made
    assert told == [("kinds of mutants made", done, len(told), 0.0) for done in range(len(told))]
    assert len(told) > len(CLASSES)
    assert made == found


@pytest.mark.parametrize("change", [DROPPED, "DROP TABLE public.t"])
def test_another_schema_has_others(scratch: Scratch, folder: Path, change: str) -> None:
    """A schema that has changed has its own mutants, at once."""
    template = scratch.template(folder)
    with scratch.cloned(template, "changing") as database, database.connect() as connection:
        before = kept.mutants(connection)
        connection.execute(change.encode())
        after = kept.mutants(connection)

        assert generate.mutants(schema.read(connection)) == after != before


@pytest.mark.parametrize("content", [b"", b"{", b"\x1f\x8b"])
def test_a_file_that_was_cut_off_is_made_anew(
    scratch: Scratch, folder: Path, content: bytes
) -> None:
    """A file that cannot be read is made again, and is whole afterwards."""
    template = scratch.template(folder)
    with scratch.cloned(template, "cut") as database, database.connect() as connection:
        made = kept.mutants(connection)
        (file,) = (folder.parent / "cache").rglob("mutants-*.json.gz")
        whole = file.read_bytes()
        file.write_bytes(content)

        assert made == kept.mutants(connection)
        assert whole == file.read_bytes()
