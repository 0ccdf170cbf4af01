"""Values to try in a column: what its conditions name, one step beside that, and what is usual."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from conformance.engine.init.patterns import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.derived.catalogue import Column

LITERAL: Final = re.compile(r"(?P<operator>[!~*=<>]*)\s*'(?P<text>(?:[^']|'')*)'")
NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
LONGEST: Final = 20_000  # characters of a text that is proposed
LONG: Final = 20  # characters alike, which stand for a length
FORMS: Final = 5  # of a text, which are stretched to a length
USUAL: Final = (
    *("a", "A", "a@b.co", "", " ", "0", "AA", "AAA", "1234", "a-b", "https://a.co"),
    *("+15550100", "nonsense"),
)
DAYS: Final = ("2026-01-01", "2026-01-02", "2020-02-29", "2999-12-31")
RANGES: Final = {
    "daterange": ("[2026-01-01,2026-01-02]", "empty", "[2026-01-01,)", "(,)"),
    "int4range": ("[1,2]", "empty", "[1,)", "(,)"),
    "int8range": ("[1,2]", "empty", "[1,)", "(,)"),
    "numrange": ("[1,2]", "empty", "[1,)", "(,)"),
    "tsrange": ("[2026-01-01,2026-01-02)", "empty", "[2026-01-01,)", "(,)"),
    "tstzrange": ("[2026-01-01Z,2026-01-02Z)", "empty", "[2026-01-01Z,)", "(,)"),
}
DOCUMENTS: Final = ("{}", "[]", "1", "null", '"a"', '{"a": 1}', "[1]")


def of_column(column: Column, texts: Iterable[str], scale: int | None) -> list[object]:
    """Return values to try, those that conditions name first; null last, where it may be.

    Args:
        column: of a table.
        texts: the conditions that it stands in, as SQL.
        scale: digits after the point, of a number that has a bound of them.
    """
    conditions = [*texts]
    if column.labels:
        found: list[object] = [*column.labels]
    elif column.category == "B":
        found = [True, False]
    elif column.category == "N":
        found = _numbers(column, conditions, scale)
    elif column.category == "S":
        found = _texts(column, conditions)
    elif column.category == "D":
        found = _instants(column, conditions)
    elif column.category == "A":
        found = _arrays(column, conditions)
    elif column.type in ("json", "jsonb"):
        found = [*DOCUMENTS]
    else:
        found = [*RANGES.get(column.type, ())]
    return [*dict.fromkeys(found), *([None] if column.nullable else [])]


def rank(column: Column, value: object) -> float | None:
    """Return where a value stands among others of its column; None where they have no order."""
    if value is None or column.category not in "ND":
        return None
    if column.category == "N":
        return float(str(value))
    return _parsed(str(value)).timestamp()


def _numbers(column: Column, conditions: Sequence[str], scale: int | None) -> list[object]:
    whole = column.type in ("int2", "int4", "int8")
    step = Decimal(1) if whole else Decimal(1).scaleb(-(scale if scale is not None else 2))
    found: list[Decimal] = []
    for text in conditions:
        quoted = [each["text"] for each in LITERAL.finditer(text)]
        for each in (*NUMBER.findall(_unquoted(text)), *quoted):
            try:
                number = Decimal(each)
            except InvalidOperation:
                continue
            found += [number - step, number, number + step]
    found += [Decimal(1), Decimal(0), Decimal(-1), Decimal(2), Decimal(100)]
    if whole:
        return [int(each) for each in found if each == int(each)]
    return [str(each) for each in found]


def _texts(column: Column, conditions: Sequence[str]) -> list[object]:
    named: list[str] = []
    sizes: list[int] = []
    for text in conditions:
        for each in LITERAL.finditer(text):
            literal, operator = each["text"].replace("''", "'"), each["operator"]
            if operator in ("~~", "!~~", "~~*", "!~~*"):
                named += [literal.replace("%", sub).replace("_", "a") for sub in ("a", "")]
            elif "~" in operator:
                named += samples(literal)
            else:
                named.append(literal)
        if "length" in text:
            found = map(int, re.findall(r"(?<![\w.'-])\d+(?![\w.'])", _unquoted(text)))
            sizes += [size for number in found for size in (number, number + 1, number - 1)]
    forms = ["a", *(each for each in named if each[:1].isalnum())][:FORMS]
    long = [_stretched(form, size) for form in forms for size in sizes if size >= 0]
    beside = [variant for each in dict.fromkeys(named) for variant in _beside(each)]
    most = column.most or LONGEST
    some = (*named, *long, *beside, *USUAL)
    return [each for each in some if len(each) <= most and "\0" not in each]


def _stretched(form: str, size: int) -> str:
    """Return a text of a form that has so many characters, as far as its first one can be more."""
    return form[:1] * (size - len(form) + 1) + form[1:] if size else ""


def _beside(text: str) -> list[str]:
    """Return texts that differ from one by little; of a length alone, none."""
    if len(text) >= LONG and len(set(text)) == 1:
        return []
    marks = [text.replace(mark, "") for mark in dict.fromkeys(text) if not mark.isalnum()]
    ends = [f"{text}x", text[:-1], f"x{text}", f"{text[:-1]}_", f"_{text[1:]}"]
    return [*ends, text.upper(), text.lower(), *marks, text + text]


def _instants(column: Column, conditions: Sequence[str]) -> list[object]:
    zone = "Z" if column.type == "timestamptz" else ""
    fine = column.type.startswith("timestamp")
    found: list[str] = []
    for text in conditions:
        for each in LITERAL.finditer(text):
            try:
                at = _parsed(each["text"])
            except ValueError:
                continue
            step = timedelta(microseconds=1) if fine else timedelta(days=1)
            some = (at, at + step, at - step)
            form = "%Y-%m-%d %H:%M:%S.%f" if fine else "%Y-%m-%d"
            found += [f"{moment.strftime(form)}{zone}" for moment in some]
    if column.type in ("time", "timetz"):
        return ["12:00", "12:00:01", "00:00", "23:59:59"]
    usual = [*DAYS[:1], *([f"{DAYS[0]} 00:00:00.000001"] if fine else []), *DAYS[1:]]
    return [*found, *(f"{day}{zone}" for day in usual)]


def _parsed(text: str) -> datetime:
    at = datetime.fromisoformat(text.replace("Z", ""))
    return at.replace(tzinfo=None)


def _arrays(column: Column, conditions: Sequence[str]) -> list[object]:
    one = "1" if column.type.lstrip("_") in ("int2", "int4", "int8", "numeric") else "a"
    sizes: list[int] = []
    for text in conditions:
        for number in map(int, re.findall(r"\d+", _unquoted(text))):
            near = (number, number + 1, number - 1)
            sizes += [size for size in near if 0 <= size <= LONGEST]
    sizes += [0, 1, 2]
    named = [each["text"] for text in conditions for each in LITERAL.finditer(text)]
    some = [each for each in named if each.startswith("{") and each.endswith("}")]
    return [*some, *("{" + ",".join([one] * size) + "}" for size in dict.fromkeys(sizes))]


def _unquoted(text: str) -> str:
    return re.sub(r"'(?:[^']|'')*'", "''", text)
