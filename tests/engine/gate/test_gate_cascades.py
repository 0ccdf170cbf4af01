"""Rows that go by the foreign keys of a target: of tables, too, that no migration knows."""

from collections.abc import Callable, Iterator

import pytest

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations, waivers
from conformance.engine.gate import data_loss, row_changes
from conformance.engine.postgres.scratch import Scratch, Template

BEFORE = """
CREATE TABLE trunk (id int PRIMARY KEY, code text UNIQUE, size int);
CREATE TABLE branch (id int PRIMARY KEY, trunk int REFERENCES trunk ON DELETE CASCADE)
    PARTITION BY LIST (id);
CREATE TABLE branch_1 PARTITION OF branch FOR VALUES IN (1, 2);
CREATE TABLE branch_3 PARTITION OF branch DEFAULT;
CREATE TABLE leaf (id int PRIMARY KEY, branch int REFERENCES branch ON DELETE SET NULL);
CREATE TABLE sign (
    id int PRIMARY KEY, code text REFERENCES trunk (code) ON UPDATE CASCADE ON DELETE SET DEFAULT
);
CREATE TABLE ring (id int PRIMARY KEY, outer_one int REFERENCES ring ON DELETE CASCADE);
CREATE TABLE strict (id int PRIMARY KEY, trunk int REFERENCES trunk);
INSERT INTO trunk VALUES (1, 'oak', 1), (2, 'elm', 2), (3, 'ash', 3);
INSERT INTO branch VALUES (1, 1), (2, 2), (3, 1);
INSERT INTO leaf VALUES (1, 3), (2, 2);
INSERT INTO sign VALUES (1, 'oak'), (2, 'elm');
INSERT INTO ring VALUES (1, NULL), (2, 1), (3, 2);
"""


@pytest.fixture(scope="module")
def told(
    scratch: Scratch, empty_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], list[Fault]]]:
    """Return what asks the rows of a target that a file takes."""
    with scratch.cloned(empty_template, "cascading") as target:
        with target.connect() as conn:
            conn.execute(BEFORE)

        def ask(script: str) -> list[Fault]:
            folder = tmp_path_factory.mktemp("files")
            (folder / "a.sql").write_text(script)
            files = migrations.load(folder)
            found, _ = waivers.of_files(files)
            with reading(target.conninfo, Limits(60, 5)) as conn, conn.transaction():
                return data_loss.ask(conn, row_changes.of_files(files, conn), found, files)[0]

        yield ask


@pytest.mark.parametrize(
    ("script", "lost"),
    [
        (
            "-- waives DATA trunk: it fell\nDELETE FROM trunk WHERE id = 1",
            {
                ("deletes 2 rows of today's in branch, by branch_trunk_fkey", ("1", "3")),
                ("changes 1 row of today's in leaf, by leaf_branch_fkey", ("1",)),
                ("changes 1 row of today's in sign, by sign_code_fkey", ("1",)),
            },
        ),
        (
            (
                "-- waives DATA trunk: it fell\n-- waives DATA branch: with it\n"
                "-- waives DATA leaf.branch: no matter\n-- waives DATA sign.code: nor that\n"
                "DELETE FROM trunk WHERE id = 1"
            ),
            set(),
        ),
        ("-- waives DATA trunk: it fell\nDELETE FROM trunk WHERE id = 3", set()),
        (
            "-- waives DATA trunk.code: in German\nUPDATE trunk SET code = 'Eiche' WHERE id = 1",
            {("changes 1 row of today's in sign, by sign_code_fkey", ("1",))},
        ),
        ("-- waives DATA trunk.size: it grew\nUPDATE trunk SET size = size + 1", set()),
        (
            (
                "-- waives DATA branch: it broke\n"
                "MERGE INTO branch AS b USING trunk AS t ON b.trunk = t.id AND t.id = 2 "
                "WHEN MATCHED THEN DELETE"
            ),
            {("changes 1 row of today's in leaf, by leaf_branch_fkey", ("2",))},
        ),
        (
            "-- waives DATA branch_1: it broke\nDELETE FROM branch_1",
            {("changes 1 row of today's in leaf, by leaf_branch_fkey1", ("2",))},
        ),
        (
            "-- waives DATA trunk: all\nTRUNCATE trunk CASCADE",
            {
                ("deletes 3 rows of today's in branch, by branch_trunk_fkey", ("1", "2", "3")),
                ("deletes 2 rows of today's in leaf, by leaf_branch_fkey", ("1", "2")),
                ("deletes 2 rows of today's in sign, by sign_code_fkey", ("1", "2")),
            },
        ),
        (
            "DELETE FROM ring WHERE id = 1",
            {
                ("deletes 1 row of today's in ring", ("1",)),
                ("deletes 1 row of today's in ring, by ring_outer_one_fkey", ("2",)),
            },
        ),
    ],
)
def test_rows_that_go_by_a_key_are_named(
    told: Callable[[str], list[Fault]], script: str, lost: set[tuple[str, tuple[str, ...]]]
) -> None:
    """Rows that a key deletes or changes are a finding of their own, with a waiver of its own."""
    assert lost == {(fault.what.replace("fkey_1", "fkey1"), fault.keys) for fault in told(script)}
