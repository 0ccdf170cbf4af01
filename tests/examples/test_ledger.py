"""Another domain on the same engine: a ledger, held on its own schema, and with planted faults."""

import shutil
from pathlib import Path

import pytest

from conformance.commands import main
from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.derived import meeting_runner
from conformance.engine.domain import chosen
from conformance.engine.domain.domain import Domain
from conformance.engine.postgres.scratch import Scratch
from conformance.engine.races.driver import Driver
from conformance.engine.sql.writes import Path as Way
from examples.fault import Fault
from examples.ledger import DOMAIN
from examples.ledger.planted import FAULTS, FAULTS_OF_TWO
from tests.support.starting import run
from tests.support.verdicts import drawn, grouped, plant, verdicts

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "examples" / "ledger" / "migrations"

MOST_LINES = 150


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Domain:
    """Let this process try the ledger."""
    monkeypatch.setenv(chosen.VARIABLE, "examples.ledger")
    return chosen.domain()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the migrations."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def test_the_rules_fit_on_a_few_pages() -> None:
    """At most 150 lines say at least 12 rules of at least 7 kinds."""
    lines = (MIGRATIONS.parent / "rules.py").read_text().splitlines()

    assert MOST_LINES >= len(lines)
    assert 12 <= len(DOMAIN.rules)
    assert 7 <= len({type(rule.kind) for rule in DOMAIN.rules.values()})


def test_each_path_of_each_rule_is_tried_or_has_a_reason(ledger: Domain) -> None:
    """No write path of any rule is passed over in silence."""
    for rule, ways in ledger.ways().items():
        assert set(Way) == set(ways), rule


def test_the_ledger_is_held() -> None:
    """A run on the ledger's own schema holds every rule; nothing of Framecast is tried."""
    options = ("--domain=examples.ledger", "-q", "-n0", "--hypothesis-profile=quick")
    own = {"CONFORMANCE_MIGRATIONS": "", "CONFORMANCE_ROLE": ""}  # not those of this run
    done = run(["conformance"], *options, "-p", "no:cacheprovider", **own)

    assert f"\n{len(DOMAIN.rules)} held\n" in done.stdout, done.stdout
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("faults", grouped(FAULTS), ids=lambda each: each[0].name)
def test_planted_faults_are_found(
    faults: list[Fault], ledger: Domain, scratch: Scratch, folder: Path
) -> None:
    """Each fault changes the verdict on its own rule, and no other rule is blamed for any."""
    for fault in faults:
        plant(fault, folder)
    expected = {rule: verdict for each in faults for rule, verdict in each.verdicts.items()}

    with (
        scratch.cloned(scratch.template(folder), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert expected == verdicts(ledger, sandbox, set(expected))


@pytest.mark.parametrize("fault", FAULTS_OF_TWO, ids=lambda each: each.name)
def test_two_sessions_find_a_planted_fault(
    fault: Fault, ledger: Domain, scratch: Scratch, folder: Path
) -> None:
    """A rule that two sessions break together is found in some order, at some level."""
    plant(fault, folder)
    (rule,) = fault.verdicts

    with (
        scratch.cloned(scratch.template(folder), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
        Driver(database.conninfo, sessions=2) as driver,
    ):
        meeting = drawn(ledger.meetings()[rule].on(sandbox.owner), 1)[0]
        with pytest.raises(Finding) as found:
            meeting_runner.run(sandbox, driver, ledger.rules[rule], meeting)

    assert (rule, "broken") == (found.value.rule, str(found.value.verdict))
    assert "both committed at" in found.value.observed
    assert found.value.schedule is not None
    assert {"session 1", "session 2"} == {*found.value.schedule.sessions}
    assert [each.sql for each in found.value.schedule.turns].count("COMMIT") == 2


@pytest.mark.usefixtures("ledger")
def test_a_command_that_needs_more_than_rules_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A command that cannot try the ledger ends with one message, and does nothing."""
    with pytest.raises(SystemExit):
        main(["soak", "--domain=examples.ledger"])

    assert "soak does not know how to try ledger yet" in capsys.readouterr().err


def test_rules_of_the_ledger_are_told_apart() -> None:
    """Rules and their kinds can be keys, as every part of the engine takes them."""
    assert len(DOMAIN.rules) == len({(rule, rule.kind) for rule in DOMAIN.rules.values()})
