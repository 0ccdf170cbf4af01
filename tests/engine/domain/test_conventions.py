"""A domain says how its schema is written: the engine names nothing of any."""

import re
from pathlib import Path
from typing import Final

import pytest

from conformance.engine.domain import chosen
from conformance.engine.domain.conventions import Conventions
from strategies.tables import COLUMNS

ENGINE: Final = Path(chosen.__file__).parents[1]
# Tables of two words alone, and any table or function with its schema.
TABLES: Final = "|".join(each for each in COLUMNS if "_" in each)
NAMED: Final = re.compile(
    rf"\b(?:framecast\.\w+|public\.(?:{'|'.join(COLUMNS)})\b|(?:{TABLES})\b)|'framecast'"
)


def test_the_engine_names_nothing_of_a_domain() -> None:
    """No schema, table or function of a domain stands in the engine, its data included."""
    files = [each for each in ENGINE.rglob("*") if each.suffix in {".py", ".toml", ".j2", ".sql"}]
    found = {
        f"{file.relative_to(ENGINE)}: {named}"
        for file in files
        for named in NAMED.findall(file.read_text(encoding="utf-8"))
    }

    assert {"domain/chosen.py: framecast.domain"} == found


@pytest.mark.parametrize(
    ("helpers", "placed"),
    [
        ((), "n IN ('public') OR h IN ('')"),
        (("app", "books"), "n IN ('public', 'app', 'books') OR h IN ('app', 'books')"),
    ],
)
def test_queries_ask_the_schemas_of_the_domain(helpers: tuple[str, ...], placed: str) -> None:
    """A query speaks of the schemas that the domain names, and of none where it names none."""
    conventions = Conventions(helpers=helpers)

    assert placed == conventions.placed("n IN OUR SCHEMAS OR h IN HELPER SCHEMAS")


def test_without_a_function_that_rejects_nothing_does() -> None:
    """A schema that raises its errors itself has no text that begins a refusal."""
    assert "\0" not in Conventions().rejection  # which the server is asked for
    assert Conventions().rejection not in "PERFORM framecast.reject('a', 'b'); RAISE EXCEPTION 'x'"
    assert "app.refuse(" == Conventions(reject="app.refuse").rejection
