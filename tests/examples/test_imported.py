"""A schema of tables alone: its rules are derived, held, and notice what is planted."""

import shutil
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.domain import chosen
from conformance.engine.domain.domain import Domain
from conformance.engine.explain import objects
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.postgres.server import Server
from conformance.engine.reading.enforced import about, idle
from conformance.engine.report.enforcing import enforcing
from examples.fault import Fault
from examples.imported.planted import FAULTS
from tests.support.verdicts import grouped, plant, verdicts

HERE = Path(__file__).parents[2] / "examples" / "imported"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Domain:
    """Let this process try the shop."""
    monkeypatch.setenv(chosen.VARIABLE, "examples.imported.rules")
    return chosen.domain()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the migrations."""
    return Path(shutil.copytree(HERE / "migrations", tmp_path / "migrations"))


def test_the_rules_are_what_the_catalogue_states(folder: Path, server: Server) -> None:
    """`init` writes the file that is kept here, letter by letter."""
    output = folder.parent / "rules.py"

    main(
        [
            *("init", str(folder), "--output", str(output), "--name", "shop"),
            *("--scratch-url", server.conninfo),
        ]
    )

    assert (HERE / "rules.py").read_text() == output.read_text()


def test_every_rule_is_held(shop: Domain, scratch: Scratch, folder: Path) -> None:
    """Along every path each derived rule accepts what is legal, and refuses by name what is not."""
    with (
        scratch.cloned(scratch.template(folder), "shop") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert not verdicts(shop, sandbox, set(shop.rules), times=1)


def test_what_is_switched_off_is_read(shop: Domain, scratch: Scratch, folder: Path) -> None:
    """Foreign keys whose triggers are disabled are told without a write, of each rule its own."""
    template = scratch.template(folder)
    with scratch.cloned(template, "shop") as database, database.connect() as connection:
        connection.execute("ALTER TABLE reviews DISABLE TRIGGER ALL")
        found = idle(connection)
    seen = {rule.id for rule in shop.rules.values() if [*about(rule, found)]}

    assert {"REVIEWS-4", "REVIEWS-5"} == seen
    assert {"disabled"} == {each.how for each in found}


def test_what_enforces_a_rule_is_shown(shop: Domain, scratch: Scratch, folder: Path) -> None:
    """Each name that a derived rule is enforced by is that of an object, with its SQL."""
    template = scratch.template(folder)
    with scratch.cloned(template, "shop") as database, database.connect() as connection:
        there = objects.read(connection)
    shown = [
        (name, sql)
        for rule in shop.rules.values()
        for name, sql in enforcing(rule.enforced_by, there)
    ]

    assert len(shop.rules) < len(shown)
    assert [] == [name for name, sql in shown if not sql]


def test_every_rule_has_cases(shop: Domain) -> None:
    """No rule of the shop is left without anything to try."""
    assert [] == [rule for rule, ways in shop.ways().items() if not ways]


@pytest.mark.parametrize("faults", grouped(FAULTS), ids=lambda each: each[0].name)
def test_planted_faults_are_found(
    faults: list[Fault], shop: Domain, scratch: Scratch, folder: Path
) -> None:
    """Each fault changes the verdict on its own rule, and no other rule is blamed for any."""
    for fault in faults:
        plant(fault, folder)
    expected = {rule: verdict for each in faults for rule, verdict in each.verdicts.items()}

    with scratch.cloned(scratch.template(folder), "shop") as database:
        with database.connect() as connection:
            found = idle(connection)
        seen = {
            rule.id: str(each.verdict)
            for rule in shop.rules.values()
            for each in about(rule, found)
        }
        with Sandbox(database.conninfo) as sandbox:
            seen |= verdicts(shop, sandbox, set(expected), times=3)

    assert expected == seen
