"""The same call again: what a function promises, and does not keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.concerns import concern
from conformance.engine.mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema

# What a function may promise beyond what it does; to promise less costs time, and breaks nothing.
# Of a trigger's function, PostgreSQL asks whether it is VOLATILE, and nothing else.
MORE = {"v": ("STABLE", "IMMUTABLE"), "s": ("IMMUTABLE",), "i": ()}
OF_TRIGGERS = {"v": ("STABLE",), "s": (), "i": ()}


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of functions that promise more than they keep."""
    for function in schema.functions:
        about = concern(schema, function)
        for operator, words in _properties(function):
            sql = f"ALTER FUNCTION {function.signature} {words}"
            yield Mutant(f"{function.name}()", operator, words, (sql,), about.rules, about.tables)


def _properties(function: Any) -> Iterator[tuple[str, str]]:
    promises = OF_TRIGGERS if function.is_trigger else MORE
    for more in promises[function.volatility]:
        yield "volatility exchanged", more
    if any(each.startswith("search_path=") for each in function.settings):
        yield "search path removed", "RESET search_path"
    if function.is_trigger:
        return
    if function.parameters:
        strict = function.strict
        yield "strictness exchanged", "CALLED ON NULL INPUT" if strict else "STRICT"
    if function.parallel != "s":
        yield "parallel safety exchanged", "PARALLEL SAFE"
