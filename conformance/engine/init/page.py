"""The rules file: declarations, values and the domain as one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.derived.series import Series
from conformance.engine.init.declared import enforced, ids
from conformance.engine.init.python import NARROW, Call, Name, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.init.catalogue import Catalogue
    from conformance.engine.init.declared import Declarations, Declared

MODULES: Final = {
    "Path": "pathlib",
    "domain": "conformance.engine.derived",
    "Series": "conformance.engine.derived.series",
    "Check": "conformance.engine.kinds.check",
    "each": "conformance.engine.kinds.check",
    "Required": "conformance.engine.kinds.check",
    "Excludes": "conformance.engine.kinds.keys",
    "References": "conformance.engine.kinds.keys",
    "Unique": "conformance.engine.kinds.keys",
    "Query": "conformance.engine.kinds.query",
    "Rule": "conformance.engine.kinds.rule",
}
ABOUT: Final = '''"""Rules of {name}, as its catalogue states them.

Written by `framecast-conformance init`; from here on it is yours. Say in your own words what each
rule is for, give it the id that you call it by, and add what no catalogue can say: see TODO below.
"""
'''
VALUES: Final = "Legal values of columns with conditions. Other columns get values of their types."
NOT_READ: Final = "What the catalogue has, and no rule above says:"
REST: Final = (
    "what no constraint says: which columns never change (Fixed), what a status may become"
    " (Transitions), how many there may be (AtMost), what sums or counts must agree (Query)."
)
STATES: Final = ("status", "state", "stage", "phase")


def page(name: str, declarations: Declarations, migrations: str) -> str:
    """Return the module.

    Args:
        name: of the domain.
        declarations: what it says.
        migrations: an expression for the folder of the schema; '' for none.
    """
    body = "".join(_body(name, declarations, migrations))
    return f"{ABOUT.format(name=name)}\n{_imports(body)}\n{body}"


def _imports(body: str) -> str:
    used = [name for name in MODULES if f"{name}(" in body or f"{name}." in body]
    lines: dict[str, list[str]] = {}
    for name in used:
        lines.setdefault(MODULES[name], []).append(name)
    text = {
        module: f"from {module} import {', '.join(sorted(names, key=_place))}\n"
        for module, names in lines.items()
    }
    standard = text.pop("pathlib", "")
    return f"{standard}{chr(10) if standard else ''}{''.join(text[each] for each in sorted(text))}"


def _place(name: str) -> tuple[bool, str]:
    return name[0].islower(), name


def _body(name: str, declarations: Declarations, migrations: str) -> Iterator[str]:
    yield "rule = Rule.of\n\nRULES = (\n"
    rules = [*zip(ids(declarations.rules), declarations.rules, strict=True)]
    for table in declarations.catalogue.tables:
        yield f"    # {table}\n"
        for identity, rule in rules:
            if rule.table == table:
                yield f"    {written(_call(identity, rule), '    ', '', ',')},\n"
        for line in to_do(declarations.catalogue, table):
            yield from _comment(f"TODO: {line}", "    ")
    yield from _comment(f"TODO: {REST}", "    ")
    yield ")\n\n"
    given: dict[str, object] = {}
    if declarations.values:
        yield from _comment(VALUES)
        yield f"VALUES = {written(_values(declarations.values), '', 'VALUES = ')}\n\n"
        given["values"] = Name("VALUES")
    place = [Name(migrations)] if migrations else []
    made = Call("domain.of", (name, Name("RULES"), *place), {**given, "varies": True})
    yield f"DOMAIN = {written(made, '', 'DOMAIN = ')}\n"
    if declarations.gaps:
        yield "\n"
        yield from _comment(NOT_READ)
        for what, why in declarations.gaps:
            yield from _comment(f"- {what}: {why}")


def _call(identity: str, rule: Declared) -> Call:
    names = enforced(rule, identity)
    return Call(
        "rule",
        (identity, rule.statement, rule.kind),
        {"enforced_by": names} if names else {},
    )


def _values(values: Mapping[str, object]) -> dict[str, object]:
    return {
        name: _series(some) if isinstance(some, Series) else some for name, some in values.items()
    }


def _series(series: Series) -> Call:
    return Call("Series", (series.first,), {"steady": series.steady} if series.steady else {})


def to_do(catalogue: Catalogue, table: str) -> Iterator[str]:
    """Yield what no catalogue can say of a table, as questions."""
    known = catalogue.tables[table]
    for column in known.columns.values():
        named = any(word in column.name for word in STATES)
        if column.labels or (named and column.category == "S"):
            yield f"may {column.name} go from any to any other? If not, say so: Transitions."
    parents: Sequence[str] = sorted({key.parent for key in known.keys})
    if parents:
        several = " or ".join(f"a row of {parent}" for parent in parents)
        yield f"how many rows of {table} may {several} have? If not any number, say so: AtMost."


def _comment(text: str, indent: str = "") -> Iterator[str]:
    """Yield a comment, in as many lines as it needs."""
    line = f"{indent}#"
    for word in text.split():
        if len(line) + 1 + len(word) > NARROW and line != f"{indent}#":
            yield f"{line}\n"
            line = f"{indent}#  " if text.startswith("- ") else f"{indent}#"
        line += f" {word}"
    yield f"{line}\n"
