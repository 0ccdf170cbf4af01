"""Servers of our own, kept from the machine that they run on: from its programs and files."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.postgres import Request, binaries, keeper, provision, scratch
from conformance.engine.postgres.scratch import Scratch

PIECED = "DO $$ BEGIN EXECUTE '{}' || '{}'; END $$"
# What a superuser of a server may do to its machine.
REACHING = {
    "a program": PIECED.format("COPY (SELECT 1) TO PRO", "GRAM ''touch {place}/made''"),
    "a program that is read": PIECED.format("COPY pg_temp.t FROM PRO", "GRAM ''cat {place}/own''"),
    "a file that is made": PIECED.format("COPY (SELECT 1) T", "O ''{place}/made''"),
    "a file that is read": PIECED.format("SELECT pg_read", "_file(''{place}/own'')"),
    "a folder": PIECED.format("SELECT pg_ls", "_dir(''{place}'')"),
    "a large object": "SELECT lo_from_bytea(4711, 'a'); "
    + PIECED.format("SELECT lo_ex", "port(4711, ''{place}/made'')"),
}


@pytest.fixture(scope="module")
def confined() -> Iterator[Scratch]:
    """A server of this module's own, whatever one the other tests use."""
    with provision(Request()) as server, scratch.opened(server) as databases:
        assert server.cluster is not None
        yield databases


@pytest.mark.parametrize("way", REACHING)
def test_sql_that_is_pieced_together_reaches_no_machine(
    way: str, confined: Scratch, folder: Path, tmp_path: Path
) -> None:
    """A file that no reading refuses runs as a superuser, and nothing comes of it outside."""
    place = tmp_path / "open"
    place.mkdir(mode=0o777)
    place.chmod(0o777)
    (place / "own").write_text("a secret\n")
    script = f"CREATE TEMPORARY TABLE t (a text); {REACHING[way].format(place=place)}"
    (folder / "a.sql").write_text(script)

    refused = False
    try:
        confined.template(folder)
    except MigrationError as error:
        refused = re.search("Permission denied|could not execute command", str(error)) is not None

    assert refused == bool(keeper.landlock())
    assert not (refused and (place / "made").exists())


def test_a_server_works_within_its_folder() -> None:
    """All that a server needs of its machine, it has."""
    with provision(Request()) as server, psycopg.connect(server.conninfo, autocommit=True) as conn:
        conn.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 100000) AS n")
        conn.execute("CREATE INDEX ON t (n)")
        conn.execute("SET work_mem = '64kB'")
        spilt = conn.execute("SELECT n FROM t ORDER BY -n LIMIT 1 OFFSET 99999").fetchone()
        conn.execute("CREATE DATABASE other STRATEGY file_copy")
        conn.execute("DROP DATABASE other")
        conn.execute("CREATE EXTENSION pg_trgm")
        conn.execute("CHECKPOINT")
        zones = conn.execute("SELECT count(*) > 300 FROM pg_timezone_names").fetchone()

    assert (spilt, zones) == ((1,), (True,))


def test_a_server_that_cannot_be_confined_knows_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where its program is a script, it is free; what it runs is given no variable of the run."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:sesame@host/db")
    monkeypatch.setenv("CONFORMANCE_SECRET", "sesame")
    found = binaries.embedded()
    assert found is not None
    bin_dir = binaries.copy(found, tmp_path)
    (bin_dir / "postgres").rename(bin_dir / "postgres.real")
    (bin_dir / "postgres").write_text(f'#!/bin/sh\nexec {bin_dir}/postgres.real "$@"\n')
    (bin_dir / "postgres").chmod(0o755)
    with (
        provision(Request(bin_dir=bin_dir)) as server,
        psycopg.connect(server.conninfo, autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE seen (line text)")
        connection.execute("COPY seen FROM PROGRAM 'env'")
        seen = [line for (line,) in connection.execute("SELECT line FROM seen")]

    assert any(line.startswith("PATH=") for line in seen)
    assert [] == [line for line in seen if line.startswith(("DATABASE_URL", "CONFORMANCE_"))]


def test_the_loader_of_a_program_is_found() -> None:
    """The program that loads another one may be run with it, and nobody else's."""
    found = binaries.embedded()
    assert found is not None
    with (found / "postgres").open("rb") as file:
        assert Path(keeper.interpreter(file.read(4096))).is_file()
    assert keeper.interpreter(b"#!/bin/sh\n") == ""
