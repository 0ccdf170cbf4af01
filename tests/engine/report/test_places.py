"""Places in the migrations: the statement that wrote an object last, and where to look first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.engine.deployment import migrations
from conformance.engine.report.places import Places
from conformance.framecast.rules import RULES
from examples.ledger import DOMAIN as LEDGER

if TYPE_CHECKING:
    from conformance.engine.deployment.migration import Migration
    from conformance.engine.report.form import Place

ROOT = Path(__file__).parents[3]
# What a statement that enforces a rule begins with.
ENFORCES = (
    *("CONSTRAINT", "CREATE TRIGGER", "CREATE CONSTRAINT TRIGGER", "CREATE UNIQUE INDEX"),
    *("CREATE TYPE", "CREATE FUNCTION"),
)
TRIGGER = "_700_inv_t2__memberships_owner_not_gone"
AGAIN = (
    f"CREATE TRIGGER {TRIGGER} AFTER DELETE ON memberships FOR EACH ROW WHEN (false) "
    "EXECUTE FUNCTION framecast.tg__team_has_an_owner();"
)
WEAKER = """CREATE OR REPLACE FUNCTION framecast.tg__team_has_an_owner() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"""
LOCK = "_200_lock_users_and_teams_of_gone"
TABLE = "CREATE TABLE t (\n  id int PRIMARY KEY,\n  n int CONSTRAINT a__b CHECK (f(n) > 0)\n);\n"
CHECKING = "CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';\n"
REFUSING = """
CREATE FUNCTION s.tg() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- a__d is said below
    IF s.f(NEW.n) < 3 THEN
        RAISE EXCEPTION USING CONSTRAINT = 'a__d';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER _300_a__c BEFORE INSERT ON t EXECUTE FUNCTION s.tg();
"""


def text(place: Place | None) -> str:
    """Return the line of this project that a place names."""
    assert place is not None
    line: str = (ROOT / place["file"]).read_text().splitlines()[place["line"] - 1]
    return line.strip()


def places(folder: Path, *files: str, changed: tuple[str, ...] = ()) -> Places:
    """Return the places of a schema of a table, a trigger and two functions, and further files."""
    for number, sql in enumerate((CHECKING + TABLE + REFUSING, *files), 1):
        (folder / f"{number}.sql").write_text(sql)
    return Places("db", migrations.load(folder), dict.fromkeys(changed, ("RULE-1",)))


@pytest.fixture(scope="module")
def ours() -> Places:
    """Return the places of the schema of Framecast."""
    return Places("migrations", migrations.load(ROOT / "migrations"))


def test_every_object_of_every_rule_has_its_line(ours: Places) -> None:
    """The place of what enforces a rule is a line that names it."""
    for rule in RULES.values():
        found = ours.of(rule.enforced_by)
        assert set(rule.enforced_by) == set(found), rule.id
        for name, place in found.items():
            assert name.rpartition(" ")[2].rpartition(".")[2] in text(place)


def test_a_rule_points_at_what_enforces_it(ours: Places) -> None:
    """The first place of each rule is the statement that makes what refuses, or changed it."""
    for rule in RULES.values():
        line = text(ours.first(rule.enforced_by))
        names = any(f"'{name}'" in line for name in rule.enforced_by)  # as a function says them
        assert names or line.startswith(ENFORCES), rule.id


def test_another_domain_has_places() -> None:
    """Names of rejections that only begin alike are found by what they begin with."""
    where = Places("migrations", migrations.load(ROOT / "examples" / "ledger" / "migrations"))
    assert [] == [rule.id for rule in LEDGER.rules.values() if not where.first(rule.enforced_by)]


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        (f"DROP TRIGGER {TRIGGER} ON memberships;\n{AGAIN}", 2),
        (f"\n\n{WEAKER}", 3),
        (f"ALTER TABLE memberships DISABLE TRIGGER {TRIGGER};", 1),
        ("SELECT 1;\nALTER TABLE public.memberships DISABLE TRIGGER ALL;", 2),
        (f"\nALTER TRIGGER {TRIGGER} ON memberships RENAME TO other;", 2),
        (f"-- {TRIGGER}\nDO $$ BEGIN\nEXECUTE 'DROP TRIGGER {TRIGGER} ON memberships'; END $$;", 3),
    ],
)
def test_a_file_that_weakens_a_rule_is_where_it_points(tmp_path: Path, sql: str, line: int) -> None:
    """Whichever of a rule's objects a later file touches, or a function of theirs, is shown."""
    where = Places("db", with_ours(tmp_path, sql))

    expected = {"file": "db/004_leave.sql", "line": line}
    assert expected == where.first(RULES["INV-T2"].enforced_by)
    assert expected != where.first(RULES["INV-U5"].enforced_by)


def with_ours(folder: Path, sql: str) -> list[Migration]:
    """Return the migrations of Framecast and one more."""
    for file in migrations.load(ROOT / "migrations"):
        (folder / file.name).write_text(file.sql)
    (folder / "004_leave.sql").write_text(sql)
    return [*migrations.load(folder)]


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        (f"\nDROP TRIGGER {LOCK} ON memberships;", 2),
        (f"ALTER TABLE memberships DISABLE TRIGGER {LOCK};", 1),
        ("\n\nDROP FUNCTION framecast.tg_memberships__lock_users_and_teams() CASCADE;", 3),
        (f"DROP TRIGGER {LOCK} ON memberships;\n\n{WEAKER}", 3),
    ],
)
def test_a_lock_that_has_gone_is_where_a_rule_points(tmp_path: Path, sql: str, line: int) -> None:
    """No rule names the trigger that locks what others count: its own objects still come first."""
    where = Places("db", with_ours(tmp_path, sql))
    found = {
        each.id: where.first(each.enforced_by, each.id, each.tables) for each in RULES.values()
    }

    assert {"file": "db/004_leave.sql", "line": line} == found["INV-T2"]
    assert found["INV-J8"] == Places("db", with_ours(tmp_path, "SELECT 1;")).first(
        RULES["INV-J8"].enforced_by
    )


def test_a_lock_that_is_back_is_no_place(tmp_path: Path) -> None:
    """A trigger that is enabled again has not gone; one of a rule is that rule's own."""
    sql = f"""ALTER TABLE memberships DISABLE TRIGGER {LOCK};
    ALTER TABLE memberships ENABLE TRIGGER {LOCK};
    DROP TRIGGER _300_inv_t7__memberships_user_owns_at_most_10_teams ON memberships;"""
    rule = RULES["INV-T2"]
    found = Places("db", with_ours(tmp_path, sql)).first(rule.enforced_by, rule.id, rule.tables)

    assert found is not None
    assert "db/001_initial_schema.sql" == found["file"]


def test_what_differs_is_where_the_rules_that_it_serves_point(tmp_path: Path) -> None:
    """Also where the file of it was edited: what is not written any more is at its table."""
    rule = RULES["INV-T2"]
    files = with_ours(tmp_path, "SELECT 1;")
    changed = {f"trigger {LOCK} of public.memberships": ("INV-T2",)}
    found = Places("migrations", files[:3], changed).first(rule.enforced_by, rule.id)
    assert LOCK in text(found)

    files[0] = replace(files[0], sql=files[0].sql.replace(LOCK, "_900_other"))
    found = Places("migrations", files, changed).first(rule.enforced_by, rule.id)
    assert text(found).startswith("CREATE TABLE public.memberships")
    other = RULES["INV-M3"]
    assert "inv_m3__" in text(Places("migrations", files, changed).first(other.enforced_by))


def test_a_rule_whose_objects_have_other_names_points_at_these(tmp_path: Path) -> None:
    """The old and the new name of a constraint, index, function or type lead to the same line."""
    found = places(
        tmp_path,
        "ALTER TABLE t RENAME CONSTRAINT a__b TO c__b;\nALTER INDEX a__f RENAME TO c__f;\n"
        "ALTER FUNCTION f() RENAME TO g;\nALTER TYPE k RENAME TO l;",
    ).of(["a__b", "c__b", "a__f", "c__f", "function f", "function g", "type k", "type l"])

    assert [1, 1, 2, 2, 3, 3, 4, 4] == [place["line"] for place in found.values()]
    assert {"db/2.sql"} == {place["file"] for place in found.values()}


def test_what_comes_back_is_where_it_comes_back(tmp_path: Path) -> None:
    """Where a file drops an object and makes it anew, its line is that of the new one."""
    drop = "ALTER TABLE t DROP CONSTRAINT"
    where = places(
        tmp_path,
        f"{drop} IF EXISTS a__b;\nALTER TABLE t ADD CONSTRAINT a__b CHECK (n > 1);",
        f"-- it goes\n{drop} a__e;",
    ).of(["a__b", "a__e", "a__c", "function f"])

    assert {"file": "db/2.sql", "line": 2} == where["a__b"]
    assert {"file": "db/3.sql", "line": 2} == where["a__e"]
    assert {"file": "db/1.sql", "line": 15} == where["a__c"]
    assert {"file": "db/1.sql", "line": 1} == where["function f"]


def test_a_function_that_refuses_is_where_it_says_so(tmp_path: Path) -> None:
    """Of a name that no object has, the place is the line of the function that refuses by it."""
    assert {"a__d": {"file": "db/1.sql", "line": 11}} == places(tmp_path).of(["a__d"])


@pytest.mark.parametrize(
    ("altered", "file"),
    [("SECURITY DEFINER", 1), ("SECURITY INVOKER", 2), ("STRICT SECURITY DEFINER", 2)],
)
def test_whose_rights_a_function_gets_is_not_what_it_does(
    altered: str, file: int, tmp_path: Path
) -> None:
    """A function that gets its owner's rights is where it was made; one that is altered, there."""
    found = places(tmp_path, f"ALTER FUNCTION s.f(int) {altered};").first(["function f"])
    assert {"file": f"db/{file}.sql", "line": 1} == found


def test_a_trigger_of_such_a_function_may_be_what_changed(tmp_path: Path) -> None:
    """Without its trigger a function refuses nothing: what drops that is the place to look at."""
    dropped = "DROP TRIGGER _300_a__c ON t;"
    assert {"file": "db/2.sql", "line": 1} == places(tmp_path, dropped).first(["a__d"])


def test_what_is_known_to_differ_comes_first(tmp_path: Path) -> None:
    """A run that compared two schemas points at what differs, be it further away and older."""
    later = "ALTER TABLE t VALIDATE CONSTRAINT a__b;"
    names = ("a__b", "a__c")
    assert {"file": "db/2.sql", "line": 1} == places(tmp_path, later).first(names)
    changed = ("function s.f(integer)",)
    assert {"file": "db/1.sql", "line": 1} == places(tmp_path, later, changed=changed).first(names)
    changed = ("trigger _300_a__c of public.t",)
    assert {"file": "db/1.sql", "line": 15} == places(tmp_path, later, changed=changed).first(names)


def test_objects_without_a_name_of_their_own_have_places(tmp_path: Path) -> None:
    """What PostgreSQL names itself is found where it is written, and else at its table."""
    where = places(tmp_path, "ALTER TABLE s.t ADD UNIQUE (id, n);\nDROP FUNCTION f(int);")
    for kind, name, on, place in (
        ("constraint", "t_pkey", "t", ("db/1.sql", 3)),
        ("constraint", "t_id_n_key", "t", ("db/2.sql", 1)),
        ("constraint", "t_id_not_null", "t", ("db/1.sql", 2)),
        ("function", "s.f(integer)", "", ("db/2.sql", 2)),
    ):
        file, line = place
        assert {"file": file, "line": line} == where.of_object(kind, name, on), name
    assert where.of_object("index", "nobody", "") is None
