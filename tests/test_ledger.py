"""Another domain on the same engine: a ledger, held on its own schema, and with planted faults."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from conformance.__main__ import main
from conformance.cases.case_runner import CaseRunner
from conformance.cases.scenario import OnSchema, Scenario
from conformance.cases.verdicts import Finding, Verdict
from conformance.database.sandbox import Sandbox
from conformance.derived import meeting_runner
from conformance.domain import chosen
from conformance.domain.domain import Domain
from conformance.postgres.scratch import Scratch
from conformance.races.driver import Driver
from conformance.sql.writes import Path as Way
from examples.ledger import DOMAIN
from examples.ledger.planted import FAULTS, FAULTS_OF_TWO, Fault
from tests.starting import run

ROOT = Path(__file__).parent.parent
MIGRATIONS = ROOT / "examples" / "ledger" / "migrations"
T = TypeVar("T")

MOST_LINES = 150
# By which rules are tried that a fault should not touch.
FEW = {Way.INSERT, Way.UPDATE, Way.DELETE}


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


def grouped(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Return faults by schemas to plant them in, in none of which two are of one rule."""
    groups: list[list[Fault]] = []
    for fault in faults:
        free = [
            each
            for each in groups
            if not any(one.verdicts.keys() & fault.verdicts.keys() for one in each)
        ]
        if free:
            free[0].append(fault)
        else:
            groups.append([fault])
    return groups


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
        assert expected == _verdicts(ledger, sandbox, set(expected))


@pytest.mark.parametrize("fault", FAULTS_OF_TWO, ids=lambda each: each.name)
def test_two_sessions_find_a_planted_fault(
    fault: Fault, ledger: Domain, scratch: Scratch, folder: Path
) -> None:
    """What two sessions break together is found in some order, at some level."""
    plant(fault, folder)
    (rule,) = fault.verdicts

    with (
        scratch.cloned(scratch.template(folder), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
        Driver(database.conninfo, sessions=2) as driver,
    ):
        meeting = _some(ledger.meetings()[rule].on(sandbox.owner), 1)[0]
        with pytest.raises(Finding) as found:
            meeting_runner.run(sandbox, driver, ledger.rules[rule], meeting)

    assert (rule, "broken") == (found.value.rule, str(found.value.verdict))
    assert "both committed at" in found.value.observed


def plant(fault: Fault, folder: Path) -> None:
    """Edit the one migration that holds the text of a fault."""
    texts = {path: path.read_text() for path in folder.iterdir()}
    ((path, text),) = [each for each in texts.items() if fault.old in each[1]]
    assert 1 == text.count(fault.old)
    path.write_text(text.replace(fault.old, fault.new))


def _verdicts(ledger: Domain, sandbox: Sandbox, suspects: set[str]) -> dict[str, str]:
    """Return the worst verdicts on rules that are not held; suspects are tried more often."""
    found: dict[str, Verdict] = {}
    order = list(Verdict)
    for rule, ways in ledger.ways().items():
        for path, way in ways.items():
            if isinstance(way, str) or (rule not in suspects and path not in FEW):
                continue
            runner = CaseRunner(sandbox, ledger.rules[rule], path)
            some = way.on(sandbox.owner) if isinstance(way, OnSchema) else way
            for scenario in _some(some, 6 if rule in suspects else 1):
                for each in _met(runner, scenario):
                    worst = min(each.verdict, found.get(each.rule, Verdict.HELD), key=order.index)
                    found[each.rule] = worst
    return {rule: str(verdict) for rule, verdict in found.items()}


def _some(strategy: SearchStrategy[T], count: int) -> list[T]:
    """Draw a few scenarios, the same in every run."""
    some: list[T] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=tuple(HealthCheck),
    )
    @given(strategy)
    def collect(drawn: T) -> None:
        some.append(drawn)

    collect()
    return some


def _met(runner: CaseRunner, scenario: Scenario) -> list[Finding]:
    with suppress(Finding):
        runner.run(scenario)
    return list(runner.met)


@pytest.mark.parametrize("command", ["gate", "mutants", "soak"])
@pytest.mark.usefixtures("ledger")
def test_commands_that_need_more_than_rules_say_so(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that cannot try the ledger ends with one message, and does nothing."""
    with pytest.raises(SystemExit):
        main([command, "--domain=examples.ledger"])

    assert f"{command} does not know how to try ledger yet" in capsys.readouterr().err


def test_rules_of_the_ledger_are_told_apart() -> None:
    """Rules and their kinds can be keys, as every part of the engine takes them."""
    assert len(DOMAIN.rules) == len({(rule, rule.kind) for rule in DOMAIN.rules.values()})
