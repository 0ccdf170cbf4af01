"""Machines that follow from a schema and its rules: what they find, and what they cannot say."""

import shutil
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from conformance.engine.cases.verdicts import Finding
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.derived.machine_runner import DerivedRunner
from conformance.engine.domain import chosen
from conformance.engine.domain.domain import Domain
from conformance.engine.postgres.scratch import Scratch
from examples.fault import Fault
from examples.ledger.planted import FAULTS_OF_SEQUENCES
from tests.support.verdicts import plant, verdicts

MIGRATIONS: Final = Path(__file__).parents[3] / "examples" / "ledger" / "migrations"
MANY: Final = settings(max_examples=400, stateful_step_count=20)
FEW: Final = settings(max_examples=4, stateful_step_count=20)
# Where a fault is looked for, by its rule.
TABLES: Final = {"ACC-3": "accounts", "ENT-5": "entries", "HOLD-5": "holds"}
# Two rows where one was asked for: the third is refused, and that is right.
TWICE: Final = Fault(
    "a hold comes with another",
    "CREATE FUNCTION balance_guard()",
    """CREATE FUNCTION hold_twice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO holds (account_id, amount, placed_at, expires_at)
    VALUES (new.account_id, new.amount, new.placed_at, new.expires_at);
    RETURN NULL;
END;
$$;
CREATE TRIGGER a_hold_twice AFTER INSERT ON holds
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION hold_twice();
CREATE FUNCTION balance_guard()""",
    {},
)
NEVER: Final = Fault(
    "no period is ever accepted",
    "CHECK (ends_on > starts_on)",
    "CHECK (ends_on > starts_on),\n    CONSTRAINT never CHECK (false)",
    {},
)
# A key of two columns that may name nothing, a table that is divided, a name that needs quotes.
ODD: Final = """
CREATE TABLE "Order" ("Id" integer PRIMARY KEY, day date NOT NULL, "select" text,
    CONSTRAINT ord_1__said_once UNIQUE ("select"));
CREATE TABLE line (order_id integer, no integer, parent_no integer, PRIMARY KEY (order_id, no),
    CONSTRAINT lin_1__order FOREIGN KEY (order_id) REFERENCES "Order" ON DELETE CASCADE,
    CONSTRAINT lin_2__parent FOREIGN KEY (order_id, parent_no) REFERENCES line
        ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE log (day date) PARTITION BY RANGE (day);
CREATE TABLE log_of_all PARTITION OF log DEFAULT;
"""
ODD_RULES: Final = """
from conformance.engine.derived import domain
from conformance.engine.kinds.keys import References, Unique
from conformance.engine.kinds.rule import Rule
TO = {"table": "line", "key": "(order_id, no)"}
DOMAIN = domain.of("odd", (
    Rule.of("ORD-1", "once", Unique("Order", ("select",), key='"Id"')),
    Rule.of("LIN-1", "its order", References(column="order_id", parent="Order", theirs="Id", **TO)),
    Rule.of("LIN-2", "its parent", References(
        column="parent_no", parent="line", theirs="no", also={"order_id": "order_id"}, null=False,
        **TO)),
))
"""


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Domain:
    """Let this process try the ledger."""
    monkeypatch.setenv(chosen.VARIABLE, "examples.ledger")
    return chosen.domain()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the migrations."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def run(domain: Domain, sandbox: Sandbox, table: str, how: settings) -> DerivedRunner:
    """Run the machine of a table; raises what it finds."""
    runner = DerivedRunner(sandbox, 1)
    assert domain.facts is not None
    runner.run(table, domain.facts, how)
    return runner


@pytest.mark.parametrize("fault", FAULTS_OF_SEQUENCES, ids=lambda each: each.name)
def test_a_machine_finds_what_only_a_sequence_shows(
    fault: Fault, ledger: Domain, scratch: Scratch, folder: Path
) -> None:
    """A planted fault that no case of its rule notices is found, and shown by a few steps."""
    plant(fault, folder)
    ((rule, verdict),) = fault.verdicts.items()

    with (
        scratch.cloned(scratch.template(folder), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        assert not verdicts(ledger, sandbox, {rule}, times=3)
        with pytest.raises(Finding) as found:
            run(ledger, sandbox, TABLES[rule], MANY)

    assert (rule, verdict) == (found.value.rule, str(found.value.verdict))
    assert 2 <= found.value.script.count("COMMIT;") <= 5, found.value.script
    assert found.value.steps


def test_a_machine_says_what_it_has_seen(ledger: Domain, scratch: Scratch) -> None:
    """Steps, those accepted, and moves on both sides of the rule are counted."""
    with (
        scratch.cloned(scratch.template(MIGRATIONS), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        log = run(ledger, sandbox, "holds", settings(FEW, max_examples=12)).log

    assert {"insert holds", "update holds", "move holds", "delete holds"} <= {*log.operations}
    assert log.taken["insert holds"] <= log.operations["insert holds"]
    assert {"hold-4 new>active", "hold-4 active>released", "HOLD-5 3", "HOLD-5 4"} <= {*log.edges}
    assert any(
        log.edges[f"hold-4 {one}>{two}"]
        for one, two in (("captured", "active"), ("released", "active"), ("captured", "released"))
    )


def test_what_a_trigger_does_beside_refusing_is_not_judged(
    ledger: Domain, scratch: Scratch, folder: Path
) -> None:
    """A refusal that only an effect of the schema explains is counted, and blamed on no rule."""
    plant(TWICE, folder)
    with (
        scratch.cloned(scratch.template(folder), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        log = run(ledger, sandbox, "holds", settings(FEW, max_examples=12)).log

    assert "triggers of holds may do more than refuse" in log.unjudged


def test_a_machine_of_which_nothing_is_accepted_is_unproven(
    ledger: Domain, scratch: Scratch, folder: Path
) -> None:
    """Where something that enforces no rule refuses every row, the table's rules are unproven."""
    plant(NEVER, folder)
    with (
        scratch.cloned(scratch.template(folder), "ledger") as database,
        Sandbox(database.conninfo) as sandbox,
        pytest.raises(Finding) as found,
    ):
        run(ledger, sandbox, "periods", FEW)

    assert ("PER-1", "unproven") == (found.value.rule, str(found.value.verdict))
    assert "never enforces no rule" in found.value.observed
    assert "PER-3" in found.value.also


def test_a_machine_takes_tables_of_any_form(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names in quotes, optional keys of several columns and partitions are judged like others."""
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "001_odd.sql").write_text(ODD)
    (tmp_path / "formed_rules.py").write_text(ODD_RULES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(chosen.VARIABLE, "formed_rules")
    with (
        scratch.cloned(scratch.template(tmp_path / "schema"), "odd") as database,
        Sandbox(database.conninfo) as sandbox,
    ):
        log = run(chosen.domain(), sandbox, "line", settings(FEW, max_examples=10)).log

    assert {"insert line", "insert Order", "delete line", "update line"} <= {*log.taken}
    assert not log.unjudged
