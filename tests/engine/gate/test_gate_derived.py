"""The gate on a schema whose rules are all that is known of it: states follow from these."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from conformance.commands import main
from conformance.engine.domain import chosen
from conformance.engine.gate import suite
from conformance.engine.gate.result import Result
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template
from examples.ledger import DOMAIN
from tests.support.gating import outcomes, run

MIGRATIONS: Final = Path(__file__).parents[3] / "examples" / "ledger" / "migrations"
HELD: Final = Result(dict.fromkeys(DOMAIN.rules, "held"))
CLEAN: Final = "ALTER TABLE public.accounts ADD COLUMN nickname text;\n"
NARROW: Final = """\
ALTER TABLE public.holds ADD CONSTRAINT small CHECK (amount < 1000) NOT VALID;
ALTER TABLE public.holds VALIDATE CONSTRAINT small;
"""
LOSING: Final = "UPDATE public.transfers SET memo = NULL;\n"
BREAKING: Final = """\
-- squawk-ignore-file ban-drop-constraint
ALTER TABLE public.periods DROP CONSTRAINT per_2__periods_end_after_they_start;
UPDATE public.periods SET ends_on = starts_on;
"""


@pytest.fixture
def schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the ledger's migrations; without its suite."""
    monkeypatch.setenv(chosen.VARIABLE, "examples.ledger")
    monkeypatch.setattr(suite, "run", lambda _files, _how: HELD)
    monkeypatch.setattr(suite, "run_once", lambda _files, _how: (HELD, False))
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


@pytest.fixture
def target(scratch: Scratch, empty_template: Template, schema: Path) -> Iterator[Database]:
    """Return a database with the ledger's schema, as `migrate` has made it."""
    with scratch.cloned(empty_template, "target") as database:
        main(["migrate", database.conninfo, "--migrations", str(schema)])
        yield database


def test_what_rows_do_not_survive_is_stopped(
    target: Database, schema: Path, server: Server
) -> None:
    """Of four files the first passes; by the others rows are lost, break a rule, or are refused."""
    for number, sql in enumerate((CLEAN, LOSING, BREAKING, NARROW)):
        (schema / f"90{number}_pending.sql").write_text(sql)

    done = run(target.conninfo, schema, server, "--seed", "7", "--keep-going")

    assert "gate: closed" in done.out, done.out
    assert "4 findings" == outcomes(done.out)[5]
    assert "900_pending.sql, 901_pending.sql" in done.out
    assert "903_pending.sql: cannot be applied to data that is legal today" in done.out
    assert "transfers.memo: values are not what they were" in done.out
    assert "PER-2: rows break it afterwards: a period ends after it starts" in done.out
    assert "no row was found for" not in done.out
