"""Patterns of checks are read as PostgreSQL means them, and what they let in is asked."""

import re
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.engine.reading.patterns import Pattern, in_check, patterns, texts_in
from conformance.framecast.rules import RULES
from conformance.test_patterns import expect_none_broken

# A check, the texts that its patterns match, and some that they do not.
CHECKS: Final = (
    ("CHECK ((a COLLATE \"C\") ~ '^[[:digit:]]+$'::text)", ("07",), ("", "x", "7x")),
    ("CHECK ((a)::text ~~ 'team\\_%'::text)", ("team_", "team_\n b"), ("teams", "a team_")),
    ("CHECK (a ~~* 'A_'::text) NOT VALID", ("ab", "AB"), ("a", "abc")),
    ("CHECK (a ~ ('^x'::text || 'y$'::text))", ("xy",), ("x", "axy")),
    ("CHECK (a ~ '(?i)^[a[]$'::text)", ("A", "["), ("b",)),
    ("CHECK (a <> ''::text AND NOT (a = 'b'::text OR a ~* 'c'::text))", ("C",), ("b",)),
)
# A check, and the texts that it compares a column with.
TEXTS: Final = (
    ("CHECK (a = 'b'::text OR 'c'::text <> a)", ("b", "c")),
    ("CHECK (a = ANY (ARRAY['b'::text, 'c.'::text]))", ("b", "c.")),
    ("CHECK ((a COLLATE \"C\") >= '2020-01'::text AND a <> (b || 'x'))", ("2020-01", "x")),
)
# What a rule's check takes as well.
WIDER: Final = (
    ("INV-T4", "([a-z0-9-]*", "([a-zA-Z0-9-]*"),
    ("INV-US1", "1[0-2])", "1[0-2]|Q[1-4])"),
    ("INV-US1", "1[0-2])$'::text", "1[0-2])$'::text OR period = '2020-00'"),
    ("INV-US1", "1[0-2])$'::text", "1[0-2])$'::text OR '0000' = period OR period IN ('', '9')"),
    ("INV-SA2", "_[a-z0-9_]+$", "_[a-z0-9_]+(@[0-9]+)?$"),
    ("INV-A2", "<> ''::text", "<> ''::text OR key_hash ~~ ''::text"),
)
# Of which rows alone a key is asked.
FEWER: Final = ("period <> '2013-07'", "period <> ALL (ARRAY['2013-07', '2014-08'])")
CHANGE: Final = """
DO $do$
DECLARE
    v_check record;
BEGIN
    SELECT k.conrelid::regclass AS tbl, k.conname, pg_get_constraintdef(k.oid) AS said
    INTO STRICT v_check
    FROM pg_catalog.pg_constraint AS k
    WHERE starts_with(k.conname, '{token}') AND strpos(pg_get_constraintdef(k.oid), '{old}') > 0;
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', v_check.tbl, v_check.conname);
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I ', v_check.tbl, v_check.conname)
        || replace(v_check.said, '{old}', '{new}');
END;
$do$
"""


@pytest.mark.parametrize(("check", "matched", "others"), CHECKS)
def test_a_pattern_is_read(check: str, matched: tuple[str, ...], others: tuple[str, ...]) -> None:
    """A pattern of LIKE, or a regular expression, matches what PostgreSQL says that it does."""
    ((column, (source, flags)),) = in_check(check)
    pattern = Pattern("t", column, "c", source, flags)

    assert column == "a"
    assert [text for text in (*matched, *others) if pattern.compiled({}).search(text)] == [*matched]


def test_a_column_may_be_part_of_a_pattern() -> None:
    """Of a pattern that is put together with a column, that row's value is a part."""
    ((column, (source, flags)),) = in_check(
        "CHECK (id ~ (('^a_'::text || (b)::text) || '_.$'::text))"
    )
    pattern = Pattern("t", column, "c", source, flags)

    assert pattern.compiled({"b": "x.y"}).search("a_x.y_1")
    assert not pattern.compiled({"b": "x.y"}).search("a_xzy_1")


def test_the_checks_of_the_schema_are_read(database: Database) -> None:
    """Every rule whose check has a pattern is tried by it."""
    with database.connect() as connection:
        found = patterns(connection)

    assert {each.constraint.split("__")[0] for each in found if "__" in each.constraint} >= {
        *("inv_t4", "inv_us1", "inv_sa2", "inv_w4", "urn_1"),
    }


@pytest.mark.parametrize(("check", "texts"), TEXTS)
def test_what_is_compared_is_read(check: str, texts: tuple[str, ...]) -> None:
    """A column's texts are read on whichever side of a comparison they stand, or in a list."""
    found = list(texts_in(check))

    assert {"a"} == {column for column, _ in found}
    assert [rf"\A{re.escape(text)}\Z" for text in texts] == [source for _, (source, _) in found]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("planted", WIDER)
def test_a_wider_pattern_is_found(
    planted: tuple[str, str, str], number: int, scratch: Scratch, template: Template
) -> None:
    """A check that takes more than its rule is broken, in the rule's name, under any seed."""
    rule = planted[0]
    old, new = (text.replace("'", "''") for text in planted[1:])
    change = CHANGE.format(token=RULES[rule].token, old=old, new=new)
    expect_found(rule, change, number, scratch, template)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("where", FEWER)
def test_a_key_of_fewer_rows_is_found(
    where: str, number: int, scratch: Scratch, template: Template
) -> None:
    """A key that is asked of some rows alone is broken by twins of the texts that it names."""
    name = "inv_us4__usage_one_row_per_owner_and_period"
    change = (
        f"ALTER TABLE public.usage DROP CONSTRAINT {name};"
        f"CREATE UNIQUE INDEX {name} ON public.usage (owner, period) WHERE {where};"
    )
    expect_found("INV-US4", change, number, scratch, template)


def expect_found(rule: str, change: str, number: int, scratch: Scratch, template: Template) -> None:
    """Expect that a change breaks a rule, found under a seed."""
    with scratch.cloned(template, "pattern") as database:
        with database.connect() as connection:
            connection.execute(change.encode())
            found = patterns(connection)
        with Sandbox(database.conninfo) as sandbox:

            @seed(number)
            @settings(
                max_examples=10,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                suppress_health_check=tuple(HealthCheck),
            )
            @given(data=st.data())
            def run(data: st.DataObject) -> None:
                expect_none_broken(RULES[rule], found, sandbox, data)

            with pytest.raises(Finding) as caught:
                run()

    assert (caught.value.rule, caught.value.verdict) == (rule, Verdict.BROKEN)
