"""Bodies of functions are read from their texts."""

import pytest

from conformance.engine.reading import bodies


def test_a_body_is_read() -> None:
    """A body is read from its text: tables but no CTE, writes, locks, calls, assignments."""
    body = (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " WITH w AS (SELECT a FROM b) INSERT INTO c SELECT f(a) FROM w;"
        " PERFORM FROM d FOR UPDATE; NEW.e := 1; SELECT 2 INTO NEW.g;"
        " SET CONSTRAINTS public.h DEFERRED;"
        " IF session_user = 'x' THEN EXECUTE 'SELECT 1'; END IF; RETURN NEW;"
        " EXCEPTION WHEN others THEN RETURN NULL; END $$"
    )
    reading = bodies.of_function("plpgsql", body, "", None)

    assert {"b", "c", "d"} == reading.tables
    assert {"c"} == reading.written
    assert {"f()"} == set(map(str, reading.calls))
    assert {"e", "g"} == reading.assigns
    assert {"SESSION_USER"} == reading.values
    assert (True, True, True) == (reading.locks, reading.is_made_up, reading.catches)


@pytest.mark.parametrize("caught", [True, False])
def test_what_an_error_says_is_read_where_it_is_caught(caught: bool) -> None:
    """What is only said decides nothing; its code, and what is called for it, may do something."""
    body = (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE 'no: % %', (SELECT a FROM b), public.writes() USING DETAIL = session_user,"
        " ERRCODE = (SELECT c FROM d); RETURN NEW; {handler} END $$"
    ).replace("{handler}", "EXCEPTION WHEN others THEN RETURN NULL;" if caught else "")
    reading = bodies.of_function("plpgsql", body, "", None, said=False)

    assert {"public.writes()"} == set(map(str, reading.calls))
    assert {"d", *({"b"} if caught else ())} == reading.tables
    assert {"c", *({"a"} if caught else ())} == reading.names
    assert ({"SESSION_USER"} if caught else set()) == reading.values
    assert {"b", "d"} == bodies.of_function("plpgsql", body, "", None).tables


def test_what_cannot_be_read_is_said() -> None:
    """Text that is no SQL, and a language that is not ours to read, may do anything."""
    assert bodies.of_function("plperl", "", "whatever", None).is_made_up
    assert bodies.of_expression("no expression at all").is_made_up
