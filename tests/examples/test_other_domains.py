"""Commands on domains of others: an audit in the names of their rules, mutants of their schemas."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.domain import chosen
from conformance.engine.mutants import kept
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.mutant_run import Bench
from conformance.engine.mutants.pool import named
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.postgres.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def ledger(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Bench, list[Mutant]]]:
    """Let this process mutate the ledger; lend a place to try mutants, and all of them."""
    monkeypatch.setenv(chosen.VARIABLE, "examples.ledger")
    template: Template = scratch.template(EXAMPLES / "ledger" / "migrations")
    with scratch.cloned(template, "mutants") as database, database.connect() as connection:
        every = kept.mutants(connection)
    with Bench(scratch, template) as bench:
        yield bench, every


@pytest.mark.usefixtures("roles_alone")
def test_an_audit_speaks_of_the_rules_of_the_domain(
    scratch: Scratch,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rows that break a rule, and what no longer enforces one, are told by names of the shop."""
    monkeypatch.setenv(chosen.VARIABLE, "examples.imported.rules")
    folder = EXAMPLES / "imported" / "migrations"
    with scratch.cloned(scratch.template(folder), "shop") as database:
        with database.connect() as connection:
            connection.execute("ALTER TABLE sales DROP CONSTRAINT sales_during_excl")
            connection.execute(
                "INSERT INTO sales (name, during) SELECT 'all', '[2026-01-01,2026-02-01)'"
                " FROM generate_series(1, 2)"
            )
        where = ("--scratch-url", server.conninfo)
        ended = main(["audit", database.conninfo, "--migrations", str(folder), *where])

    said = capsys.readouterr().out
    assert 1 == ended
    assert "SALES-3: broken by 2 rows" in said
    assert "constraint sales_during_excl on public.sales: missing" in said


@pytest.mark.parametrize(
    ("name", "phase", "rule"),
    [
        ("holds.hold_2__holds_amount_is_positive/check-dropped", "rules", "HOLD-2"),
        ("hold_cap()/comparison-moved", "rules", "HOLD-5"),
        ("hold_cap()/write-removed", "meetings", "HOLD-5"),
        ("hold_guard()/branch-emptied", "machine runs", "HOLD-4"),
        ("trf_2__transfers_reference_is_unique/unique-without-case", "rules", "TRF-2"),
    ],
)
def test_cases_that_are_derived_kill_mutants(
    name: str, phase: str, rule: str, ledger: tuple[Bench, list[Mutant]]
) -> None:
    """Mutants of the ledger's own schema are killed by what its rules derive."""
    bench, every = ledger
    mutant = next(each for each in every if name in each.id)

    kill = bench.attempt(mutant, named([phase])).kill

    assert kill is not None
    assert (phase, rule) == (kill.phase, kill.rule)
