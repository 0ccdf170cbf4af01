"""``python -m conformance gate``, whole, with the suite in its own process.

That is the real one, but it tries few rules, and what it says of the schema as it is, the two runs
share: `pytest conformance` tries all, and `just variations` does so on a column more.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from conformance.engine.deployment import migrations
from conformance.engine.gate import kept, suite
from conformance.engine.gate.result import Run
from conformance.engine.postgres import Request, Server
from conformance.engine.postgres.scratch import Database
from conformance.engine.progress import Watch
from conformance.engine.pytest_plugin.limits import FAILURES
from conformance.framecast import states
from conformance.framecast.rules import RULES
from tests.support.gating import CLEAN, WEAKER, outcomes, run

pytestmark = pytest.mark.slow
READER = "framecast_conformance_gate_reader"
TRIED = ("INV-T6", "INV-U5", "CARD-1")
CHOSEN = "test_rule and (inv_t6__ or inv_u5__ or card_1__)"
READ = f"{CHOSEN} or test_reading or test_functions"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for verdicts on some rules: they are nobody else's."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def brief(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let the gate try few rules and reach states by short runs; return its commands."""
    commands: list[list[str]] = []
    whole = suite._run

    def few(
        command: list[str],
        timeout: float,
        written: tuple[Path, ...],
        watch: Watch,
        patience: str = "1",
    ) -> None:
        commands.append(command)
        some = ["-k", CHOSEN, "-n", "0"] if "--role" in command else ["-k", READ]
        some = some if str(suite.SUITE) in command else []
        whole([*command, *some], timeout, written, watch, patience)

    monkeypatch.setattr(kept, "cache", lambda: cache)
    monkeypatch.setattr(suite, "_run", few)
    monkeypatch.setattr(suite, "RULES", {rule: RULES[rule] for rule in TRIED})
    monkeypatch.setattr(states, "RUNS", 1)
    return commands


@pytest.fixture
def reader(target: Database) -> Iterator[str]:
    """Return the target's address for a role that may read everything, and write nothing."""
    name = sql.Identifier(READER)
    with target.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        connection.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(name))
        yield make_conninfo(target.conninfo, user=READER)
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


def named_in(command: list[str]) -> list[str]:
    """Return the files and folders of the suite that a command names, to run their tests."""
    return [
        each
        for before, each in pairwise(command)
        if each.startswith(str(suite.SUITE)) and before != "--confcutdir"
    ]


def test_a_clean_change_opens_the_gate(  # noqa: PLR0913, PLR0917 - a run of the gate has parts
    reader: str,
    schema: Path,
    pending: Path,
    server: Server,
    brief: list[list[str]],
    tmp_path: Path,
) -> None:
    """A new column passes all eight sections, asked by a role that may only read the target."""
    pending.write_text(CLEAN)
    report = tmp_path / "gate.json"
    ended = run(reader, schema, server, "--profile", "quick", "--json", str(report))

    assert (0, dict.fromkeys(range(1, 9), "ok")) == (ended.code, outcomes(ended.out)), ended.out
    assert "gate: open: the pending migrations may be run" == ended.out.splitlines()[-1]
    assert "3 of 3 rules held\n" in ended.out
    assert [False] == ["--role" in command for command in brief]
    for command in brief:  # nothing of the suite is left out
        assert [str(suite.SUITE)] == named_in(command)
        assert not {"-k", "--rule", "--deselect"} & {*command}
    document: dict[str, Any] = json.loads(report.read_text())
    assert (True, 8, "quick") == (
        document["holds"],
        len(document["sections"]),
        document["profile"],
    )


def test_a_run_ends_at_the_first_failures(
    schema: Path, pending: Path, server: Server, brief: list[list[str]]
) -> None:
    """What a run as the gate starts it did not come to is told from what it found wrong."""
    pending.write_text(WEAKER.replace("-- waives", "-- "))
    how = Run(Request(database_url=server.conninfo), server.version, "quick", 300, few=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suite, "ENOUGH", (FAILURES, "1"))
        result = suite.run(migrations.load(schema), how)

    assert FAILURES in brief[0]
    assert (True, True) == (result.is_wrong, result.is_cut)
    assert None is kept.known(migrations.load(schema), how)


@pytest.mark.usefixtures("brief")
def test_a_weaker_rule_closes_the_gate(
    target: Database, schema: Path, pending: Path, server: Server
) -> None:
    """Of two rules that a file gives up, the one with a waiver is shown, and the other named."""
    pending.write_text(WEAKER)
    ended = run(target.conninfo, schema, server, "--profile", "quick")

    assert 1 == ended.code
    assert {**dict.fromkeys(range(1, 9), "ok"), 6: "1 finding"} == outcomes(ended.out), ended.out
    assert "INV-T6: broken, and it was held before: a team's credits" in ended.out
    assert "note: 900_next.sql:1 waives INV-U5: users may borrow" in ended.out
    assert "gate: closed: 1 finding" == ended.out.splitlines()[-1]
