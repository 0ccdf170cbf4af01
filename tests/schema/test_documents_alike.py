"""When two JSON documents are one to clients that read numbers as doubles."""

import json
import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.engine.postgres.scratch import Database
from tests.support.clients import Connection

ALIKE: Final = {
    "how a number is written": ("[1.50, 1e2, -0, 100]", "[1.5, 100, 0, 1.00e2]"),
    "an integer beyond 2^53": ("9007199254740993", "9007199254740992"),
    "digits after the seventeenth": ("3.14159265358979323846", "3.141592653589793"),
    "a negative one": ('{"a": [-3.14159265358979323846]}', '{"a": [-3.141592653589793]}'),
    "the least double": ("4.94e-324", "5e-324"),
    "the largest double": ("1.7976931348623157e308", "1.7976931348623157081e308"),
    "the order of keys": ('{"b": 1, "a": 0.1}', '{"a": 0.1000000000000000055, "b": 1}'),
    "some of many": ('{"a": {"b": [1, {"c": 0.1}, "x"]}}', '{"a": {"b": [1, {"c": 0.10}, "x"]}}'),
}
DIFFERENT: Final = {
    "another double": ("9007199254740993", "9007199254740990"),
    "the next double": ("0.1", "0.10000000000000002"),
    "another sign": ("1.5", "-1.5"),
    "a number in quotes": ("1.5", '"1.5"'),
    "a text": ('"1.50"', '"1.5"'),
    "no number": ("[true]", "[false]"),
    "null": ("null", "0"),
    "a key more": ('{"a": 1}', '{"a": 1, "b": null}'),
    "a key less": ('{"a": 1, "b": null}', '{"a": 1}'),
    "another key": ('{"a": 1}', '{"b": 1}'),
    "a value more": ("[1]", "[1, null]"),
    "a value less": ("[1, null]", "[1]"),
    "another order": ("[1, 2]", "[2, 1]"),
    "an object for a list": ("{}", "[]"),
    "a list for an object": ('[["a", 1]]', '{"a": 1}'),
    "deep within": ('{"a": [[{"b": 0.1}]]}', '{"a": [[{"b": 0.2}]]}'),
    "one of two": ("[0.10, 1]", "[0.1, 2]"),
    "more than any double": ("1e400", "1e401"),
    "less than any double": ("1e-400", "1e-401"),
    "a double and one beyond": ("1.7976931348623157e308", "1e309"),
    "nothing and almost nothing": ("0", "1e-400"),
}
DEPTH: Final = 2000
FINITE: Final = st.floats(allow_nan=False, allow_infinity=False)
QUERY: Final = "SELECT framecast.reads_alike(%s::jsonb, %s::jsonb)"


@pytest.fixture(scope="module")
def asking(database: Database) -> Iterator[Connection]:
    """Connect to a database with the schema."""
    with database.connect() as connection:
        yield connection


def alike(asking: Connection, one: str, other: str) -> set[object]:
    """Return what the schema says of two documents, in either order."""
    pairs = (one, other), (other, one)
    return {row[0] for pair in pairs for row in asking.execute(QUERY, pair).fetchall()}


@pytest.mark.parametrize("how", ALIKE)
def test_what_a_client_cannot_tell_apart_is_alike(how: str, asking: Connection) -> None:
    """Documents with the same values, numbers as doubles, are one."""
    assert {True} == alike(asking, *ALIKE[how])


@pytest.mark.parametrize("how", DIFFERENT)
def test_what_differs_is_not_alike(how: str, asking: Connection) -> None:
    """Any other difference makes another document."""
    assert {False} == alike(asking, *DIFFERENT[how])


@pytest.mark.parametrize("form", [("[", "]"), ('{"a":', "}")])
def test_no_depth_is_too_much(form: tuple[str, str], asking: Connection) -> None:
    """Documents are compared however deep they are nested."""
    begin, end = (each * DEPTH for each in form)
    assert {True} == alike(asking, f"{begin}0.1{end}", f"{begin}0.1000000000000000055{end}")
    assert {False} == alike(asking, f"{begin}0.1{end}", f"{begin}0.2{end}")


@given(FINITE, FINITE)
def test_numbers_are_alike_as_doubles_are(asking: Connection, one: float, other: float) -> None:
    """A number is alike what Python and JavaScript write for it, and no other double."""
    exact = f"{Decimal(one):.40e}"
    assert {True} == alike(asking, exact, json.dumps(one))
    if one != other:
        assert {False} == alike(asking, json.dumps(one), json.dumps(other))
    (bits,) = struct.unpack("<q", struct.pack("<d", one))
    (near,) = struct.unpack("<d", struct.pack("<q", bits ^ 1))
    if abs(near) != float("inf"):
        assert {False} == alike(asking, json.dumps(one), json.dumps(near))
